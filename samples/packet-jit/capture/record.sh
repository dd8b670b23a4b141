#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# record.sh FILE - record a small capture of many protocols
#
# Three network namespaces of our own, "left" - "router" - "right", joined by veth pairs. On the left
# link there is VLAN 42 too, and VLAN 7 inside it; talk.py tags their frames, so that the kernel
# needs no VLAN support. It also makes the traffic. tcpdump records what passes the left end.
# Nothing outside the namespaces is touched, and they are removed at the end. Needs root, iproute2,
# tcpdump, python3 and /dev/net/tun.
set -eu
file=${1:?usage: record.sh FILE}
here=$(cd "$(dirname "$0")" && pwd)
tag=pjit$$
left=$tag-left router=$tag-router right=$tag-right
pids=

finish() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for ns in $left $router $right; do ip netns del $ns 2>/dev/null || true; done
}
trap finish EXIT INT TERM

for ns in $left $router $right; do
    ip netns add $ns
    ip -n $ns link set lo up
done
ip -n $left link add l0 type veth peer name r0 netns $router
ip -n $right link add l1 type veth peer name r1 netns $router

# interface NAMESPACE NAME IPV4 IPV6
interface() {
    ip -n "$1" addr add "$3" dev "$2"
    ip -n "$1" addr add "$4" dev "$2" nodad
    ip -n "$1" link set "$2" up
}
ip netns exec $router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
for end in "$left l0" "$router r0" "$router r1" "$right l1"; do
    ip netns exec ${end% *} python3 "$here/talk.py" plain ${end#* }
done
interface $left l0 10.1.0.2/24 fd00:1::2/64
interface $router r0 10.1.0.1/24 fd00:1::1/64
interface $router r1 10.2.0.1/24 fd00:2::1/64
interface $right l1 10.2.0.2/24 fd00:2::2/64

# vlan NAMESPACE LINK NAME TAG...: an interface whose frames carry these tags on the link
vlan() {
    ip -n "$1" tuntap add dev "$3" mode tap
    ip -n "$1" link set "$3" mtu 1400
    ip netns exec "$1" python3 "$here/talk.py" tag "$2" "$3" $4 &
    pids="$pids $!"
}
vlan $left l0 v42 42
vlan $left l0 v7 '42 7'
vlan $router r0 v42 42
vlan $router r0 v7 '42 7'
sleep 1
interface $left v42 10.42.0.2/24 fd00:42::2/64
interface $router v42 10.42.0.1/24 fd00:42::1/64
interface $left v7 10.7.0.2/24 fd00:7::2/64
interface $router v7 10.7.0.1/24 fd00:7::1/64

for ns in $left $right; do
    net=1; [ $ns = $right ] && net=2
    ip -n $ns route add default via 10.$net.0.1
    ip -n $ns -6 route add default via fd00:$net::1
done

ip netns exec $left tcpdump -q -n -U -Z root -i l0 -s 65535 -w "$file" 2>/dev/null &
capture=$!
pids="$pids $capture"
sleep 1
for ns in $router $right; do
    ip netns exec $ns python3 "$here/talk.py" serve &
    pids="$pids $!"
done
sleep 1
ip netns exec $left python3 "$here/talk.py" talk
sleep 1
kill -INT "$capture"
wait "$capture" || true
tcpdump -n -r "$file" 2>/dev/null | wc -l
