/* SPDX-License-Identifier: Apache-2.0 */
#include "native.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CODE_SIZE   ((FILTER_CODE_MAX + 4095u) & ~4095u)
#define PACKET_SIZE (1u << 16)

/* What filter_code is, to a caller that wants to choose all 64 bits. */
typedef uint32_t wide_code(const uint8_t *packet, uint64_t caplen, uint64_t len);

static uint8_t *code;
static size_t code_size;

static void *map(size_t size)
{
    void *where = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert(where != MAP_FAILED);
    return where;
}

void native_load(const struct filter_insn *insns, uint32_t count)
{
    static struct filter_work work;

    if (!code)
        code = map(CODE_SIZE);
    cr_assert(mprotect(code, CODE_SIZE, PROT_READ | PROT_WRITE) == 0);
    cr_assert(filter_compile(insns, count, &work, code, CODE_SIZE, &code_size) == FILTER_OK);
    memset(code + code_size, 0xcc, 16); /* whoever runs off the end hits int3 */
    cr_assert(mprotect(code, CODE_SIZE, PROT_READ | PROT_EXEC) == 0);
}

size_t native_size(void)
{
    return code_size;
}

uint32_t native_run(const uint8_t *packet, uint32_t caplen, uint32_t len)
{
    wide_code *function;

    memcpy(&function, &code, sizeof function);
    return function(packet, 0xdeadbeef00000000 | caplen, 0xfeedface00000000 | len);
}

const uint8_t *native_place(const void *bytes, size_t size)
{
    static uint8_t *memory;

    if (!memory) {
        memory = map(PACKET_SIZE + 4096);
        cr_assert(mprotect(memory + PACKET_SIZE, 4096, PROT_NONE) == 0);
    }
    cr_assert(size <= PACKET_SIZE);
    if (size > 0)
        memcpy(memory + PACKET_SIZE - size, bytes, size);
    return memory + PACKET_SIZE - size;
}
