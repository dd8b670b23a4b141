/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test becomes by exec: "own" builds an enclave and enters it; "given FD:BASE" enters the
 * one behind a descriptor that it was born with. 0 if that works.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "raw.h"

static struct raw raw;

static uint64_t load(unsigned tcs_page)
{
    return raw_do(&raw, tcs_page, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)}).ret;
}

static int own(void)
{
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = 5});
    return load(0) == 5 ? 0 : 1;
}

static int given(const char *where)
{
    uint64_t base;

    if (sscanf(where, "%d:%" SCNx64, &raw.fd, &base) != 2)
        return 2;
    raw.base = (uint8_t *)(uintptr_t)base;
    if (mmap(raw.base, RAW_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, raw.fd, 0) !=
        raw.base)
        return 3;
    raw_map(&raw);
    return load(3) == 77 ? 0 : 4;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 5;
    return strcmp(argv[1], "own") == 0 ? own() : given(argv[2]);
}
