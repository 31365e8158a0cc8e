#!/bin/bash
# Fetches what runs Tarn for other platforms on Debian (bookworm, amd64): qemu-user with the libraries of arm64, musl's loader with what the CLR needs of libstdc++, and Wine in a root of its
# own. Nothing is installed in the system and nothing is registered with its kernel; everything is below the directory that is named.
#
#   fetch.sh DIRECTORY [arm64] [musl] [wine]       all three without names; what is there already is kept
#
# The tests of Tarn.Packaging.Tests look for the directory in TARN_PLATFORM_TOOLS.
set -euo pipefail
directory=$(realpath -m "$1")
shift
wanted=${*:-arm64 musl wine}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
here=$(dirname "$(realpath "$0")")
mkdir -p "$directory"

# An apt of its own, so that no architecture is added to the host: private_apt NAME ARCHITECTURE SUITE...
private_apt() {
    local apt=$directory/apt-$1 architecture=$2
    shift 2
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial}
    : > "$apt/status"
    : > "$apt/sources.list"
    for suite in "$@"; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >> "$apt/sources.list"
    done
    cat > "$apt/apt.conf" <<CONF
APT::Architecture "$architecture"; APT::Architectures { "$architecture"; }; APT::Sandbox::User "root";
Dir::State "$apt/state"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "-";
CONF
    export APT_CONFIG=$apt/apt.conf
    apt-get -q update > "$apt/log" 2>&1
}

# Downloads packages and unpacks them: unpack ROOT PACKAGE...
unpack() {
    local root=$1 packages=$directory/packages-$(basename "$1")
    shift
    mkdir -p "$root" "$packages"
    (cd "$packages" && apt-get -q download "$@" > log 2>&1)
    for package in "$packages"/*.deb; do
        dpkg-deb -x "$package" "$root"
    done
    rm -r "$packages"
}

for platform in $wanted; do
    [ -e "$directory/$platform.ready" ] && continue
    case $platform in
        arm64)
            # The backports' version: 7.2 describes each page of a reservation, and Tarn reserves terabytes.
            (private_apt amd64 amd64 bookworm-backports; unpack "$directory/qemu" qemu-user)
            (private_apt arm64 arm64 bookworm; unpack "$directory/arm64" libc6 libgcc-s1 libstdc++6 zlib1g)
            ;;
        musl)
            (private_apt musl amd64 bookworm; unpack "$directory/musl" musl libgcc-s1 libstdc++6)
            lib=$directory/musl/usr/lib/x86_64-linux-gnu
            mkdir -p "$directory/musl/run"
            cp -L "$(find "$directory/musl" -name libgcc_s.so.1 | head -1)" "$lib/libstdc++.so.6" "$directory/musl/run/"
            gcc -shared -fPIC -nostdlib -o "$directory/musl/run/ld-linux-x86-64.so.2" "$here/musl-shim.c"
            # The loader looks there first.
            sed -i '1i /run' "$directory/musl/etc/ld-musl-x86_64.path"
            ;;
        wine)
            # A root of its own by mmdebstrap, which is unpacked as well: it is a script.
            if ! command -v mmdebstrap > /dev/null; then
                (private_apt tools amd64 bookworm; unpack "$directory/mmdebstrap" mmdebstrap)
                export PATH=$directory/mmdebstrap/usr/bin:$PATH
            fi
            mmdebstrap --variant=apt --include=wine64 --aptopt='Acquire::Retries "3"' bookworm "$directory/wine" "$mirror" > "$directory/wine.log" 2>&1
            ;;
        *)
            echo "no platform is called $platform" >&2
            exit 2
            ;;
    esac
    touch "$directory/$platform.ready"
done
