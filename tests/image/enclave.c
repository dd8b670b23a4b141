/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enclave.c - one of everything that an image can hold: relocations, RELRO, TLS, a large .bss
 *
 * It is laid out and measured, never run.
 */
#ifndef BSS_SIZE
#define BSS_SIZE 0x5000
#endif

int function(int x);

char bss[BSS_SIZE];
int data[1500] = {1, 2, 3};
const char *const relocated_then_constant[] = {"one", "two", bss};
int (*relocated)(int) = function;
__thread int tls_data = 7;
__thread char tls_bss[5000] __attribute__((aligned(64)));

int function(int x)
{
    return x + data[0] + tls_data + tls_bss[x] + relocated_then_constant[x & 1][0];
}
