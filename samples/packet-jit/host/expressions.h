/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expressions.h - tcpdump expressions that between them use all that classic BPF has
 *
 * One per line, so that the list can also be read by people: see pcap-filter(7).
 */
#ifndef HOST_EXPRESSIONS_H
#define HOST_EXPRESSIONS_H

static const char *const expressions[] = {
    /* protocols */
    "",
    "ip",
    "arp",
    "ip6",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "ip proto 17",
    "ip6 proto 58",
    "ether proto 0x86dd",
    "not ip and not ip6",
    /* addresses, ports, directions */
    "host 10.1.0.1",
    "src host 10.2.0.2 and not tcp",
    "dst net 10.1.0.0/16",
    "net fd00:2::/32",
    "ip6 host fd00:1::1 and udp",
    "port 80",
    "tcp dst port 80 or udp src port 7",
    "portrange 4990-5400",
    "ether multicast",
    "ether broadcast or ip multicast",
    "arp and ether[20:2] = 1",
    /* fragments, types, flags */
    "ip[6:2] & 0x3fff != 0",
    "ip[6:2] & 0x1fff > 0",
    "icmp[icmptype] = icmp-echo or icmp[icmptype] = icmp-echoreply",
    "icmp[icmptype] = icmp-unreach and icmp[icmpcode] = 3",
    "icmp6 and ip6[40] >= 128 and ip6[40] <= 129",
    "tcp[tcpflags] & (tcp-syn) != 0",
    "tcp[tcpflags] & (tcp-rst|tcp-fin) != 0 and not src net 10.42.0.0/16",
    "tcp[tcpflags] == tcp-ack and ip[2:2] = 52",
    /* tags: from the keyword on, offsets count from behind the tag */
    "vlan",
    "vlan 42 and ip and tcp",
    "vlan 42 and vlan 7 and icmp",
    "not vlan and len > 1000",
    /* lengths */
    "len > 100",
    "greater 200 and less 1000",
    "ip[2:2] + 14 = len",
    "len - 15 < ip[2:2] and ip[2:2] < 60",
    /* payload, by computed offsets */
    "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
    "udp[8:4] = 0x494e2050 and udp[4:2] > 8",
    "ip and ether[14 + (ip[0] & 0xf) * 4 + 9] = 0x77",
    "ether[ether[17]] = ether[0]",
    "ip[ip[8]] & 1 = 0",
    /* arithmetic, on constants and on values of the packet */
    "ip[0] & 0xf != 5",
    "ip[2:2] % 3 = 1",
    "ip[2:2] / 7 > 20",
    "(ip[8] * 3) ^ 5 < ip[2:2] | 0x80",
    "len << 2 > ip[2:2] * 4",
    "-ip[8] & 0xff = 192",
    "ip[2:2] % ip[8] < len / ip[9]",
    "ip[12:4] ^ ip[16:4] = 0x00030000",
    "(ether[0] << (ether[5] & 7)) & 0xff > ether[1] >> (ether[11] & 3)",
    "(ip[3] + ip[8]) * (ip[9] - ip[1]) > ip[2:2] * (ip[0] & 0xf)",
    /* nests */
    "(tcp or udp) and (port 80 or port 7) and not (host 10.42.0.1 or vlan)",
    "not (ip or (ip6 and (udp or (tcp and not port 80)))) or (icmp and greater 100)",
    "((ip and (icmp or udp)) or (ip6 and icmp6)) and not (less 80 or greater 150)",
    "host 10.1.0.1 or host 10.1.0.2 or host 10.2.0.2 or host 10.42.0.1 or net fd00:42::/64",
    "ip[8] = 64 and (ip[9] = 1 or ip[9] = 6 or ip[9] = 17) and ip[0] >= 0x45 and ip[1] = 0",
};

#define EXPRESSIONS (sizeof expressions / sizeof expressions[0])

#endif
