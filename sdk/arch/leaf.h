/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaf.h - leaf numbers and error codes of ENCLS and ENCLU
 *
 * SDM, "SGX Instruction References" and "Information and Error Codes". Assembly includes this file
 * too, so it holds macros only.
 */
#ifndef ARCH_LEAF_H
#define ARCH_LEAF_H

/* ENCLS (0F 01 CF), for the operating system: leaf in EAX. */
#define SGX_ECREATE 0x00
#define SGX_EADD    0x01
#define SGX_EINIT   0x02
#define SGX_EREMOVE 0x03
#define SGX_EDBGRD  0x04
#define SGX_EDBGWR  0x05
#define SGX_EEXTEND 0x06
#define SGX_ELDB    0x07
#define SGX_ELDU    0x08
#define SGX_EBLOCK  0x09
#define SGX_EPA     0x0a
#define SGX_EWB     0x0b
#define SGX_ETRACK  0x0c
#define SGX_EAUG    0x0d
#define SGX_EMODPR  0x0e
#define SGX_EMODT   0x0f
#define SGX_ERDINFO 0x10 /* this and the following: oversubscription, CPUID.12H.0:EAX[6] */
#define SGX_ETRACKC 0x11
#define SGX_ELDBC   0x12
#define SGX_ELDUC   0x13

/* ENCLU (0F 01 D7), for applications and enclaves: leaf in EAX. */
#define SGX_EREPORT     0x0
#define SGX_EGETKEY     0x1
#define SGX_EENTER      0x2
#define SGX_ERESUME     0x3
#define SGX_EEXIT       0x4
#define SGX_EACCEPT     0x5
#define SGX_EMODPE      0x6
#define SGX_EACCEPTCOPY 0x7
#define SGX_EDECCSSA    0x9

/* What a leaf returns in RAX. Named as in the manual, less the SGX_ prefix doubling. */
#define SGX_OK                       0
#define SGX_INVALID_SIG_STRUCT       1
#define SGX_INVALID_ATTRIBUTE        2
#define SGX_BLKSTATE                 3
#define SGX_INVALID_MEASUREMENT      4
#define SGX_NOTBLOCKABLE             5
#define SGX_PG_INVLD                 6
#define SGX_EPC_PAGE_CONFLICT        7
#define SGX_INVALID_SIGNATURE        8
#define SGX_MAC_COMPARE_FAIL         9
#define SGX_PAGE_NOT_BLOCKED         10
#define SGX_NOT_TRACKED              11
#define SGX_VA_SLOT_OCCUPIED         12
#define SGX_CHILD_PRESENT            13
#define SGX_ENCLAVE_ACT              14
#define SGX_ENTRYEPOCH_LOCKED        15
#define SGX_INVALID_EINITTOKEN       16
#define SGX_PREV_TRK_INCMPL          17
#define SGX_PG_IS_SECS               18
#define SGX_PAGE_ATTRIBUTES_MISMATCH 19
#define SGX_PAGE_NOT_MODIFIABLE      20
#define SGX_PAGE_NOT_DEBUGGABLE      21
#define SGX_INVALID_CPUSVN           32
#define SGX_INVALID_ISVSVN           64
#define SGX_UNMASKED_EVENT           128
#define SGX_INVALID_KEYNAME          256

#endif
