#!/bin/bash
# Runs a program for another platform with what fetch.sh fetched.
#
#   run.sh TOOLS FOLDER arm64|musl|wine PROGRAM ARGUMENT...
#
# The program and the paths in its arguments are relative to FOLDER, where it starts. musl and wine have roots of their own, so the user has to be allowed to mount and to change the root; mounts are
# private to the program and go with it.
set -eu
tools=$(realpath "$1")
folder=$(realpath "$2")
platform=$3
shift 3
case $platform in
    arm64)
        cd "$folder"
        # Code that is patched through a second mapping is not noticed by every version of the emulator.
        export DOTNET_EnableWriteXorExecute=0
        exec "$(ls "$tools"/qemu/usr/bin/qemu-aarch64* | head -1)" -L "$tools/arm64" "$@"
        ;;
    musl)
        root=$tools/musl
        start=(env -i PATH="$PATH" HOME=/tmp TMPDIR=/tmp chroot "$root" "/shared/$1")
        shift
        ;;
    wine)
        root=$tools/wine
        wine=$(cd "$root" && ls usr/lib/wine/wine64 usr/bin/wine 2> /dev/null | head -1)
        start=(chroot "$root" env -i PATH=/usr/bin:/bin HOME=/root WINEPREFIX=/root/.wine WINEDEBUG=-all "WINEDLLOVERRIDES=winedbg.exe=d;mshtml="
            sh -c 'cd /shared && exec "$@"' sh "/$wine")
        ;;
    *)
        echo "no platform is called $platform" >&2
        exit 2
        ;;
esac
export ROOT=$root FOLDER=$folder
exec unshare -m --propagation private sh -c '
    set -e
    mkdir -p "$ROOT/shared" "$ROOT/proc" "$ROOT/dev" "$ROOT/tmp"
    mount --bind "$FOLDER" "$ROOT/shared"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    exec "$@"' sh "${start[@]}" "$@"
