/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flags.h - the bits of RFLAGS that leaves touch (private to model/cpu)
 */
#ifndef MODEL_CPU_FLAGS_H
#define MODEL_CPU_FLAGS_H

#include <stdint.h>

#define RFLAGS_CF (UINT64_C(1) << 0)
#define RFLAGS_PF (UINT64_C(1) << 2)
#define RFLAGS_AF (UINT64_C(1) << 4)
#define RFLAGS_ZF (UINT64_C(1) << 6)
#define RFLAGS_SF (UINT64_C(1) << 7)
#define RFLAGS_TF (UINT64_C(1) << 8)
#define RFLAGS_DF (UINT64_C(1) << 10)
#define RFLAGS_OF (UINT64_C(1) << 11)
#define RFLAGS_NT (UINT64_C(1) << 14)
#define RFLAGS_RF (UINT64_C(1) << 16)
#define RFLAGS_AC (UINT64_C(1) << 18)
#define RFLAGS_ID (UINT64_C(1) << 21)

#define RFLAGS_STATUS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

#endif
