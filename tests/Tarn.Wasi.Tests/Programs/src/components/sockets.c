// TCP and UDP by the interfaces of WASI 0.2 themselves, for SocketTests. Functions return 1000 and the number of an error code where an operation fails, and less otherwise.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))
// A flattened socket address: discriminant, then room for IPv6.
#define ADDRESS u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32
#define LOOPBACK(port) 0, (port), 127, 0, 0, 1, 0, 0, 0, 0, 0, 0

#define TCP "wasi:sockets/tcp@0.2.12"
#define UDP "wasi:sockets/udp@0.2.12"
#define STREAMS "wasi:io/streams@0.2.12"

IMPORT("wasi:sockets/instance-network@0.2.12", "instance-network") u32 network(void);
IMPORT("wasi:sockets/tcp-create-socket@0.2.12", "create-tcp-socket") void tcp_create(u32 family, u8 *result);
IMPORT("wasi:sockets/udp-create-socket@0.2.12", "create-udp-socket") void udp_create(u32 family, u8 *result);
IMPORT(TCP, "[method]tcp-socket.start-bind") void tcp_start_bind(u32 self, u32 net, ADDRESS, u8 *result);
IMPORT(TCP, "[method]tcp-socket.finish-bind") void tcp_finish_bind(u32 self, u8 *result);
IMPORT(TCP, "[method]tcp-socket.start-listen") void tcp_start_listen(u32 self, u8 *result);
IMPORT(TCP, "[method]tcp-socket.finish-listen") void tcp_finish_listen(u32 self, u8 *result);
IMPORT(TCP, "[method]tcp-socket.start-connect") void tcp_start_connect(u32 self, u32 net, ADDRESS, u8 *result);
IMPORT(TCP, "[method]tcp-socket.finish-connect") void tcp_finish_connect(u32 self, u8 *result);
IMPORT(TCP, "[method]tcp-socket.accept") void tcp_accept(u32 self, u8 *result);
IMPORT(TCP, "[method]tcp-socket.local-address") void tcp_local_address(u32 self, u8 *result);
IMPORT(TCP, "[method]tcp-socket.set-hop-limit") void tcp_set_hop_limit(u32 self, u32 value, u8 *result);
IMPORT(TCP, "[method]tcp-socket.hop-limit") void tcp_hop_limit(u32 self, u8 *result);
IMPORT(TCP, "[method]tcp-socket.shutdown") void tcp_shutdown(u32 self, u32 how, u8 *result);
IMPORT(TCP, "[method]tcp-socket.subscribe") u32 tcp_subscribe(u32 self);
IMPORT(TCP, "[resource-drop]tcp-socket") void tcp_drop(u32 self);
IMPORT(UDP, "[method]udp-socket.start-bind") void udp_start_bind(u32 self, u32 net, ADDRESS, u8 *result);
IMPORT(UDP, "[method]udp-socket.finish-bind") void udp_finish_bind(u32 self, u8 *result);
IMPORT(UDP, "[method]udp-socket.stream") void udp_stream(u32 self, u32 isSome, ADDRESS, u8 *result);
IMPORT(UDP, "[method]outgoing-datagram-stream.check-send") void udp_check_send(u32 self, u8 *result);
IMPORT(UDP, "[method]outgoing-datagram-stream.send") void udp_send(u32 self, const u8 *list, u32 count, u8 *result);
IMPORT(UDP, "[method]incoming-datagram-stream.receive") void udp_receive(u32 self, u64 most, u8 *result);
IMPORT(UDP, "[method]incoming-datagram-stream.subscribe") u32 udp_incoming_subscribe(u32 self);
IMPORT(UDP, "[resource-drop]udp-socket") void udp_drop(u32 self);
IMPORT(UDP, "[resource-drop]incoming-datagram-stream") void udp_incoming_drop(u32 self);
IMPORT(UDP, "[resource-drop]outgoing-datagram-stream") void udp_outgoing_drop(u32 self);
IMPORT("wasi:sockets/ip-name-lookup@0.2.12", "resolve-addresses") void resolve_addresses(u32 net, const u8 *name, u32 length, u8 *result);
IMPORT("wasi:sockets/ip-name-lookup@0.2.12", "[method]resolve-address-stream.resolve-next-address") void resolve_next(u32 self, u8 *result);
IMPORT("wasi:sockets/ip-name-lookup@0.2.12", "[method]resolve-address-stream.subscribe") u32 resolve_subscribe(u32 self);
IMPORT("wasi:sockets/ip-name-lookup@0.2.12", "[resource-drop]resolve-address-stream") void resolve_drop(u32 self);
IMPORT("wasi:io/poll@0.2.12", "[method]pollable.block") void block(u32 self);
IMPORT("wasi:io/poll@0.2.12", "[resource-drop]pollable") void pollable_drop(u32 self);
IMPORT(STREAMS, "[method]input-stream.blocking-read") void blocking_read(u32 self, u64 most, u8 *result);
IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush") void blocking_write(u32 self, const u8 *bytes, u32 length, u8 *result);
IMPORT(STREAMS, "[resource-drop]input-stream") void input_drop(u32 self);
IMPORT(STREAMS, "[resource-drop]output-stream") void output_drop(u32 self);

static u8 heap[1 << 20];
static u32 used;

EXPORT("cabi_realloc") void *cabi_realloc(void *old, u32 oldSize, u32 align, u32 size)
{
    // Each call of the guest begins with an empty heap, and reads go into the same place.
    used = (used + align - 1) & -align;
    if (used + size > sizeof heap)
        __builtin_trap();
    void *result = heap + used;
    used += size;
    return result;
}

static u32 word(const u8 *result, int offset) { return *(const u32 *)(result + offset); }
#define TRY(call, errorAt) do { call; if (r[0]) return 1000 + r[errorAt]; } while (0)

static void wait(u32 pollable)
{
    block(pollable);
    pollable_drop(pollable);
}

static u32 listener;

// Listens on a port that the system chooses, and returns it plus 100000.
EXPORT("listen") u32 listen_(void)
{
    _Alignas(8) u8 r[64];
    u32 net = network();
    TRY(tcp_create(0, r), 4);
    listener = word(r, 4);
    TRY(tcp_start_bind(listener, net, LOOPBACK(0), r), 1);
    TRY(tcp_finish_bind(listener, r), 1);
    TRY(tcp_start_listen(listener, r), 1);
    TRY(tcp_finish_listen(listener, r), 1);
    TRY(tcp_local_address(listener, r), 4);
    return 100000 + *(u16 *)(r + 8);
}

// Accepts a connection and sends back what comes, until the other side has ended.
EXPORT("echo") u32 echo(void)
{
    _Alignas(8) u8 r[64];
    for (;;)
    {
        tcp_accept(listener, r);
        if (!r[0])
            break;
        if (r[4] != 8)
            return 1000 + r[4];
        wait(tcp_subscribe(listener));
    }

    u32 socket = word(r, 4), input = word(r, 8), output = word(r, 12), total = 0;
    for (;;)
    {
        u32 mark = used;
        blocking_read(input, 4096, r);
        if (r[0])
            break;
        u32 bytes = word(r, 4), length = word(r, 8);
        total += length;
        blocking_write(output, (const u8 *)bytes, length, r);
        used = mark;
        if (r[0])
            return 900 + r[4];
    }

    input_drop(input);
    output_drop(output);
    tcp_drop(socket);
    return total;
}

// Connects, sends, ends sending, and returns how many bytes came back.
EXPORT("connect") u32 connect_(u32 port, const u8 *text, u32 length)
{
    _Alignas(8) u8 r[64];
    u32 net = network();
    TRY(tcp_create(0, r), 4);
    u32 socket = word(r, 4);
    TRY(tcp_set_hop_limit(socket, 42, r), 1);
    TRY(tcp_hop_limit(socket, r), 1);
    if (r[1] != 42)
        return 999;
    TRY(tcp_start_connect(socket, net, LOOPBACK(port), r), 1);
    for (;;)
    {
        tcp_finish_connect(socket, r);
        if (!r[0])
            break;
        if (r[4] != 8)
            return tcp_drop(socket), 1000 + r[4];
        wait(tcp_subscribe(socket));
    }

    u32 input = word(r, 4), output = word(r, 8), total = 0;
    for (u32 sent = 0; sent < length;)
    {
        u32 part = length - sent < 4096 ? length - sent : 4096;
        blocking_write(output, text + sent, part, r);
        if (r[0])
            return 900 + r[4];
        sent += part;
    }

    TRY(tcp_shutdown(socket, 1, r), 1);
    for (;;)
    {
        u32 mark = used;
        blocking_read(input, 4096, r);
        if (r[0])
            break;
        total += word(r, 8);
        used = mark;
    }

    // The streams may outlive the socket.
    tcp_drop(socket);
    input_drop(input);
    output_drop(output);
    return total;
}

// Sends a datagram and returns the length of the answer.
EXPORT("datagram") u32 datagram(u32 port, u32 connected)
{
    _Alignas(8) u8 r[64];
    _Alignas(8) u8 list[44] = { 0 };
    u32 net = network();
    TRY(udp_create(0, r), 4);
    u32 socket = word(r, 4);
    TRY(udp_start_bind(socket, net, LOOPBACK(0), r), 1);
    TRY(udp_finish_bind(socket, r), 1);
    TRY(udp_stream(socket, connected, LOOPBACK(port), r), 4);
    u32 incoming = word(r, 4), outgoing = word(r, 8);
    *(u32 *)list = (u32)"hello";
    *(u32 *)(list + 4) = 5;
    if (!connected)
    {
        list[8] = 1;
        *(u16 *)(list + 16) = port;
        list[18] = 127;
        list[21] = 1;
    }

    TRY(udp_check_send(outgoing, r), 8);
    TRY(udp_send(outgoing, list, 1, r), 8);
    if (word(r, 8) != 1)
        return 998;
    wait(udp_incoming_subscribe(incoming));
    TRY(udp_receive(incoming, 8, r), 4);
    u32 length = word(r, 8) == 1 ? *(u32 *)(word(r, 4) + 4) : 997;
    udp_incoming_drop(incoming);
    udp_outgoing_drop(outgoing);
    udp_drop(socket);
    return length;
}

// Sends more than is permitted.
EXPORT("flood") u32 flood(void)
{
    _Alignas(8) u8 r[64];
    static u8 list[44 * 17];
    TRY(udp_create(0, r), 4);
    u32 socket = word(r, 4);
    TRY(udp_start_bind(socket, network(), LOOPBACK(0), r), 1);
    TRY(udp_finish_bind(socket, r), 1);
    TRY(udp_stream(socket, 0, LOOPBACK(0), r), 4);
    u32 outgoing = word(r, 8);
    TRY(udp_check_send(outgoing, r), 8);
    TRY(udp_send(outgoing, list, 17, r), 8);
    return 0;
}

// Makes sockets, and returns after how many there was an error, and which: 10000 times the number, plus the error.
EXPORT("hoard") u32 hoard(void)
{
    _Alignas(8) u8 r[64];
    for (u32 count = 0;; count++)
    {
        tcp_create(0, r);
        if (r[0])
            return count * 10000 + r[4];
    }
}

// Resolves a name and returns how many addresses it has.
EXPORT("resolve") u32 resolve(const u8 *name, u32 length)
{
    _Alignas(8) u8 r[64];
    TRY(resolve_addresses(network(), name, length, r), 4);
    u32 stream = word(r, 4);
    for (u32 count = 0;; count++)
    {
        for (;;)
        {
            resolve_next(stream, r);
            if (!r[0])
                break;
            if (r[2] != 8)
                return resolve_drop(stream), 1000 + r[2];
            wait(resolve_subscribe(stream));
        }

        if (!r[2])
            return resolve_drop(stream), count;
    }
}
