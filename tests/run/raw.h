/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw.h - a hand-made enclave on the model, through the kernel's ABI alone
 *
 *     page 0      TCS 0: 2 SSA frames       page 5       code (blob.S)
 *     page 1, 2   its SSA                   page 6, 7    data, RW
 *     page 3      TCS 1: 1 SSA frame        page 8       SECINFO operands, RW
 *     page 4      its SSA                   page 9, 10   TCS 2 and its SSA
 *     page 16-    nothing: dynamic
 */
#ifndef TESTS_RUN_RAW_H
#define TESTS_RUN_RAW_H

#include <asm/sgx.h>
#include <stdbool.h>
#include <stdint.h>

#include "aperture/model.h"
#include "arch/arch.h"
#include "arch/leaf.h"
#include "arch/secinfo.h"
#include "arch/secs.h"
#include "arch/sigstruct.h"
#include "arch/ssa.h"
#include "arch/tcs.h"

enum raw_op {
    OP_NOP,
    OP_STORE,
    OP_LOAD,
    OP_ENCLU,
    OP_JUMP,
    OP_SPIN,
    OP_BASES,
    OP_REGISTERS,
    OP_UD2,
    OP_SYSCALL,
    OP_INT80,
    OP_INT3,
    OP_IN,
    OP_HLT,
    OP_DIVIDE,
    OP_NONCANONICAL,
    OP_INT21,
    OP_SSE,
    OP_REPEAT,
    OP_COMMIT,
    OP_CPUID,
    OP_WITNESS,
    OP_COUNT,
};

struct op {
    uint64_t op, a, b, c, d;
    uint64_t ret, ret2;
    uint64_t n;
};

#ifndef RAW_PAGES
#define RAW_PAGES UINT64_C(256)
#endif
#define RAW_SIZE    (RAW_PAGES * SGX_PAGE_SIZE)
#define RAW_CODE    (UINT64_C(5) * SGX_PAGE_SIZE)
#define RAW_DATA    (UINT64_C(6) * SGX_PAGE_SIZE)
#define RAW_OPERAND (UINT64_C(8) * SGX_PAGE_SIZE)
#define RAW_FREE    (UINT64_C(16) * SGX_PAGE_SIZE)

struct raw {
    int fd;
    uint8_t *base;
    struct sgx_enclave_run run; /* of the last call */
    struct sgx_sigstruct sig;
};

/* All up to INIT; the sigstruct is signed and ready to be spoiled. */
void raw_build(struct raw *raw);
int raw_init(struct raw *raw);
void raw_map(struct raw *raw);

/* All three. */
void raw_open(struct raw *raw);
void raw_close(struct raw *raw);

/* The base address of an enclave that is about to be built. */
uint8_t *raw_reserve(uint64_t size);

int raw_ioctl_create(struct raw *raw, const struct sgx_secs *secs);
int raw_add(struct raw *raw, uint64_t offset, const void *page, uint64_t secinfo, bool measure);

/* One call of sgx2_enter_enclave; its result. run and op tell the rest. */
int raw_call(struct raw *raw, unsigned tcs_page, unsigned function, struct op *op);

/* The same with a sgx_enclave_run of one's own, for several threads at once. */
int raw_enter(struct op *op, unsigned function, struct sgx_enclave_run *run);

/* EENTER with an op that must come back by EEXIT. */
struct op raw_do(struct raw *raw, unsigned tcs_page, struct op op);

/* ENCLU[leaf] inside, with SECINFO flags at the operand page. RAX. */
uint64_t raw_leaf(struct raw *raw, unsigned tcs_page, uint32_t leaf, uint64_t secinfo, void *page,
                  void *source);

uint64_t raw_address(const struct raw *raw, uint64_t offset);
struct sgx2_counters raw_counters(const struct raw *raw);
uint64_t raw_epcm(const struct raw *raw, uint64_t offset);
int raw_modify(struct raw *raw, uint64_t offset, uint64_t size, uint64_t type,
               struct sgx_enclave_modify_types *ret);
int raw_restrict(struct raw *raw, uint64_t offset, uint64_t size, uint64_t perm,
                 struct sgx_enclave_restrict_permissions *ret);
int raw_remove(struct raw *raw, uint64_t offset, uint64_t size,
               struct sgx_enclave_remove_pages *ret);

#endif
