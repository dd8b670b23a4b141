/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_fuzz.c - any bytes as a BPF program and a packet
 *
 * A program that the checker admits compiles within the bound, and its code and the interpreter
 * give the same verdict on the packet, whose end stands against a page that cannot be touched.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "enclave/check.h"
#include "enclave/compile.h"
#include "enclave/interpret.h"

#define PACKET_MAX 256u
#define INSNS_MAX  256u
#define PAGE       4096u

static uint8_t *code, *edge;

static void prepare(void)
{
    uint8_t *pages;

    if (code)
        return;
    code = mmap(NULL, FILTER_CODE_MAX, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED || pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE) < 0)
        abort();
    edge = pages + PAGE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct filter_insn insns[INSNS_MAX];
    static struct filter_work work;
    uint32_t count, caplen, index = 0;
    filter_code *run;
    size_t used = 0;

    prepare();
    if (size < 1)
        return 0;
    caplen = data[0];
    if (caplen > size - 1)
        caplen = (uint32_t)size - 1;
    memcpy(edge - caplen, data + 1, caplen);
    data += 1 + caplen;
    size -= 1 + caplen;
    count = (uint32_t)(size / sizeof *insns);
    if (count > INSNS_MAX)
        count = INSNS_MAX;
    memcpy(insns, data, count * sizeof *insns);

    if (filter_check(insns, count, &index) != FILTER_OK)
        return 0;
    assert(filter_compile(insns, count, &work, code, FILTER_CODE_MAX, &used) == FILTER_OK);
    assert(used <= FILTER_CODE_MAX);
    memcpy(&run, &(void *){code}, sizeof run);
    assert(run(edge - caplen, caplen, caplen + 7) ==
           filter_interpret(insns, edge - caplen, caplen, caplen + 7));
    return 0;
}
