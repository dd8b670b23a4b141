/* SPDX-License-Identifier: Apache-2.0 */
/*
 * direct.h - ecalls by the gate's own ENCLU, where every register is the test's
 */
#ifndef TESTS_INTEGRATION_DIRECT_H
#define TESTS_INTEGRATION_DIRECT_H

#include "gate.h"
#include "talk.h"

/* RFLAGS */
#define TF UINT64_C(0x100)
#define IF UINT64_C(0x200)
#define DF UINT64_C(0x400)
#define NT UINT64_C(0x4000)
#define AC UINT64_C(0x40000)
#define ID UINT64_C(0x200000)

#define ARITHMETIC UINT64_C(0x8d5) /* CF PF AF ZF SF OF */
#define CLEAN      UINT64_C(0x2)

/* An ecall on top of what gate.in holds already; it must end with EEXIT. */
void direct_ecall(uint64_t tcs, int64_t index, void *ms);

/* That EEXIT was a return with this status. */
void direct_returns(sgx_status_t status);

#endif
