/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enter.h - one passage through the door, from C: enter.S
 *
 * The enclave promises nothing about R12-R15, MXCSR, the x87 state or DF, and the vDSO does not
 * restore them. Assembly includes this file too.
 */
#ifndef URTS_ENTER_H
#define URTS_ENTER_H

/* Offsets into struct passage, checked below. */
#define PASSAGE_RDI      0
#define PASSAGE_RSI      8
#define PASSAGE_RDX      16
#define PASSAGE_R8       24
#define PASSAGE_FUNCTION 32
#define PASSAGE_EXIT_RDI 40
#define PASSAGE_EXIT_RSI 48
#define PASSAGE_EXIT_RDX 56

/* Offset of user_data in struct sgx_enclave_run. */
#define RUN_USER_DATA 32

#ifndef __ASSEMBLER__

#include "arch/arch.h"
#include "os.h"

struct passage {
    /* in */
    uint64_t rdi, rsi, rdx, r8;
    uint64_t function; /* SGX_EENTER or SGX_ERESUME */
    /* out, only if run->function says EEXIT */
    uint64_t exit_rdi, exit_rsi, exit_rdx;
};
SGX_AT(passage, r8, PASSAGE_R8);
SGX_AT(passage, function, PASSAGE_FUNCTION);
SGX_AT(passage, exit_rdi, PASSAGE_EXIT_RDI);
SGX_AT(passage, exit_rsi, PASSAGE_EXIT_RSI);
SGX_AT(passage, exit_rdx, PASSAGE_EXIT_RDX);
SGX_AT(sgx_enclave_run, user_data, RUN_USER_DATA);

/*
 * enter_pass() - call enter_enclave and leave the processor as the C ABI wants it
 * @run: user_handler must be enter_note_exit, user_data the address of passage
 *
 * Returns what enter_enclave does: 0, or -EINVAL.
 */
int enter_pass(struct passage *passage, struct sgx_enclave_run *run,
               os_enter_enclave *enter_enclave);

/* The handler that notes RDI, RSI and RDX as the enclave left them, and ends the call with 0. */
int enter_note_exit(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
                    struct sgx_enclave_run *run);

#endif
#endif
