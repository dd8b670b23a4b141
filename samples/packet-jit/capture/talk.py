#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The two ends of record.sh's traffic, with nothing but sockets.

talk.py serve | talk         answer, or ask
talk.py plain LINK           no offloads: frames are on the wire as they will be in the capture
talk.py tag LINK TAP TAG...  what goes into TAP leaves on LINK with these VLAN tags, and back
"""
import array
import fcntl
import os
import select
import socket
import struct
import sys
import threading
import time

V4, V6 = socket.AF_INET, socket.AF_INET6
ECHO_PORT, WEB_PORT, CLOSED_PORT = 7, 80, 4999
PAGE = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"All work and no play. " * 90


def answer_udp(family):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind(("", ECHO_PORT))
    while True:
        data, peer = sock.recvfrom(65535)
        sock.sendto(data.upper(), peer)


def answer_web(family):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == V6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("", WEB_PORT))
    sock.listen()
    while True:
        peer, _ = sock.accept()
        peer.recv(4096)
        peer.sendall(PAGE)
        peer.close()


def serve():
    threads = [threading.Thread(target=answer_web, args=(family,)) for family in (V4, V6)]
    threads.append(threading.Thread(target=answer_udp, args=(V4,)))
    for thread in threads:
        thread.start()
    sock = socket.socket(V6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("", ECHO_PORT))
    while True:
        data, peer = sock.recvfrom(65535)
        sock.sendto(data.upper(), peer)


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(address, number, size=56, ttl=64):
    sock = socket.socket(V4, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.settimeout(0.5)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    body = bytes(i & 255 for i in range(size))
    echo = struct.pack("!BBHHH", 8, 0, 0, 77, number) + body
    sock.sendto(echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:], (address, 0))
    sock.recv(65535)


def ping6(address, number, size=56, hops=64):
    sock = socket.socket(V6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    sock.settimeout(0.5)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    echo = struct.pack("!BBHHH", 128, 0, 0, 78, number) + bytes(i & 255 for i in range(size))
    sock.sendto(echo, (address, 0))
    sock.recv(65535)


def udp(family, address, port, data, wait=True, options=()):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(0.5)
    for option in options:
        sock.setsockopt(*option)
    try:
        sock.sendto(data, (address, port))
        if wait:
            sock.recv(65535)
    except OSError:
        pass  # a closed port and a lost answer are traffic too


def fetch(family, address, port=WEB_PORT):
    try:
        sock = socket.create_connection((address, port), timeout=2)
    except ConnectionRefusedError:
        return
    sock.sendall(b"GET /%d HTTP/1.0\r\nHost: example\r\n\r\n" % port)
    while sock.recv(4096):
        pass
    sock.close()


def talk_to(address4, address6):
    for number in range(4):
        ping(address4, number, size=40 + 30 * number)
        ping6(address6, number, size=40 + 30 * number)
    for family, address in ((V4, address4), (V6, address6)):
        for size in (1, 13, 64, 200, 900):
            udp(family, address, ECHO_PORT, b"x" * size)
        udp(family, address, CLOSED_PORT, b"nobody listens here")
        udp(family, address, ECHO_PORT, b"in pieces " * 330)  # larger than the link's MTU
        fetch(family, address)
        fetch(family, address, CLOSED_PORT)


def talk():
    multicast4 = (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 3)
    service = (socket.IPPROTO_IP, socket.IP_TOS, 0x10)
    record_route = (socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x07\x0b\x04" + bytes(8) + b"\x00")
    talk_to("10.1.0.1", "fd00:1::1")
    talk_to("10.2.0.2", "fd00:2::2")
    talk_to("10.42.0.1", "fd00:42::1")
    ping("10.7.0.1", 1)
    ping6("fd00:7::1", 1)
    udp(V4, "10.7.0.1", ECHO_PORT, b"two tags deep")
    fetch(V4, "10.7.0.1")
    for data in (b"one", b"two words", b"three small words"):
        udp(V4, "10.2.0.2", ECHO_PORT, data, options=(service, record_route))
    udp(V4, "224.0.0.251", 5353, b"to a group", wait=False, options=(multicast4,))
    udp(V6, "ff02::1%l0", 5353, b"to all nodes", wait=False)
    udp(V4, "10.1.0.255", 9, b"to everybody", wait=False,
        options=((socket.SOL_SOCKET, socket.SO_BROADCAST, 1),))
    try:
        ping("10.2.0.2", 9, ttl=1)
    except OSError:
        pass
    try:
        ping6("fd00:2::2", 9, hops=1)
    except OSError:
        pass
    udp(V4, "10.1.0.77", 9, b"nobody has this address", wait=False)
    time.sleep(3.5)  # until the ARP requests for it are given up


def plain(link):
    siocethtool, set_tx_checksum, set_tso, set_gso = 0x8946, 0x17, 0x1F, 0x24
    sock = socket.socket(V4, socket.SOCK_DGRAM)
    for command in (set_tso, set_gso, set_tx_checksum):
        value = array.array("I", [command, 0])
        request = struct.pack("16sQ16x", link.encode(), value.buffer_info()[0])
        fcntl.ioctl(sock, siocethtool, request)


def open_tap(name):
    tunsetiff, tap, no_header = 0x400454CA, 0x0002, 0x1000
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, tunsetiff, struct.pack("16sH22x", name.encode(), tap | no_header))
    return fd


def receive_tagged(sock):
    """A frame as it was on the wire: the kernel takes the outer tag out and reports it aside."""
    sol_packet, auxdata, outgoing, tag_valid = 263, 8, 4, 1 << 4
    frame, aside, _, source = sock.recvmsg(65535, 64)
    if source[2] == outgoing:
        return b""
    for level, kind, data in aside:
        if (level, kind) == (sol_packet, auxdata):
            status, tci = struct.unpack("I12xH", data[:18])
            if status & tag_valid:
                return frame[:12] + struct.pack("!HH", 0x8100, tci) + frame[12:]
    return frame


def tag(link, name, *tags):
    sol_packet, auxdata, all_protocols = 263, 8, 3
    shim = b"".join(struct.pack("!HH", 0x8100, int(number)) for number in tags)
    fd = open_tap(name)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(all_protocols))
    sock.setsockopt(sol_packet, auxdata, 1)
    sock.bind((link, all_protocols))
    while True:
        ready, _, _ = select.select([fd, sock], [], [])
        if fd in ready:
            frame = os.read(fd, 65535)
            sock.send(frame[:12] + shim + frame[12:])
        if sock in ready:
            frame = receive_tagged(sock)
            inner = 12 + len(shim)
            if frame[12:inner] == shim and frame[inner:inner + 2] != b"\x81\x00":
                try:
                    os.write(fd, frame[:12] + frame[inner:])
                except OSError:
                    pass  # the interface is not up yet


if __name__ == "__main__":
    {"serve": serve, "talk": talk, "plain": plain, "tag": tag}[sys.argv[1]](*sys.argv[2:])
