#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# combinations.sh - an interface with every kind of type under every attribute
# that it can have
set -eu

n=0
# function ATTRIBUTES DECLARATOR [MORE PARAMETERS]
function()
{
    n=$((n + 1))
    echo "$public$result f${side}$n([$1] $2${3-})$post;"
}

functions()
{
    for type in char 'unsigned short' 'long long' 'long double' uint8_t wchar_t 'struct st' 'union un' \
        'enum en' record_t 'struct st *'; do
        for direction in in out 'in, out' user_check; do
            function "$direction" "$type a[3]" | grep -v '\* a\[' || true
            n=$((n + 1))
            function "$direction" "$type a[2][3][4]" | grep -v '\* a\[' || true
            n=$((n + 1))
            function "$direction" "$type *p"
        done
        for direction in in out 'in, out'; do
            function "$direction, size=n" "$type *p" ', size_t n'
            function "$direction, count=n" "$type *p" ', int n'
            function "$direction, size=s, count=n" "$type *p" ', uint8_t s, long long n'
            function "$direction, size=48" "$type *p"
            function "$direction, count=3" "$type *p"
        done
        function 'in, count=n' "const $type *p" ', unsigned n'
        n=$((n + 1))
        case $type in
        *\*) ;;
        *) echo "$public$type f${side}$n($type v)$post;" ;;
        esac
    done
    for direction in in 'in, out'; do
        function "$direction, string" 'char *p'
        function "$direction, wstring" 'wchar_t *p'
        function "$direction" 'struct de *p'
        function "$direction" 'struct de p[3]'
        function "$direction" 'struct de p[3][2]'
        function "$direction, count=n" 'struct de *p' ', size_t n'
        function "$direction, size=n" 'struct de *p' ', size_t n'
        function "$direction, isptr" 'int_pointer_t p'
        function "$direction, isptr, count=n" 'int_pointer_t p' ', magnitude_t n'
        function "$direction, isary" 'quartet_t p'
        function "$direction, isary" 'matrix_t p'
    done
    function 'in, string' 'const char *p'
    function 'in, wstring' 'const wchar_t *p'
    function 'in' 'const struct de *p'
    function 'in, isptr, readonly, size=n' 'bytes_t p' ', length_t n'
    function 'user_check, isptr' 'int_pointer_t p'
    function 'user_check, isary' 'matrix_t p'
    function 'user_check' 'struct de *p'
}

echo 'enclave {
include "user_types.h"
struct st { char c; long l; char *p; };
union un { int i; double d; };
enum en { A, B };
struct de {
    [count=n] int *a; [size=m] void *b; [size=2, count=n] char *c; [count=4] struct st *d;
    [size=16] int **e; uint16_t n; long m; enum en tag; char *shallow; const char *name;
};
trusted {'
public='public ' result=int side=e post=''
functions
echo '};
untrusted {'
public='' side=o result='const char *' post=' propagate_errno transition_using_threads'
functions
echo '}; };'
