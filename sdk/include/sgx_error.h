/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sgx_error.h - status codes of both runtimes
 *
 * Numbers and names are those that enclave authors already know. Codes from 0xa000 on are ours.
 */
#ifndef SGX_ERROR_H
#define SGX_ERROR_H

typedef enum _status_t {
    SGX_SUCCESS = 0,
    SGX_ERROR_UNEXPECTED = 0x0001,
    SGX_ERROR_INVALID_PARAMETER = 0x0002,
    SGX_ERROR_OUT_OF_MEMORY = 0x0003,
    SGX_ERROR_ENCLAVE_LOST = 0x0004,
    SGX_ERROR_INVALID_STATE = 0x0005,
    SGX_ERROR_FEATURE_NOT_SUPPORTED = 0x0008,

    SGX_ERROR_INVALID_FUNCTION = 0x1001, /* no such ecall or ocall */
    SGX_ERROR_OUT_OF_TCS = 0x1003,
    SGX_ERROR_ENCLAVE_CRASHED = 0x1006,
    SGX_ERROR_ECALL_NOT_ALLOWED = 0x1007, /* private, or not on this ocall's list, or too early */
    SGX_ERROR_OCALL_NOT_ALLOWED = 0x1008,
    SGX_ERROR_STACK_OVERRUN = 0x1009,

    SGX_ERROR_UNDEFINED_SYMBOL = 0x2000,
    SGX_ERROR_INVALID_ENCLAVE = 0x2001,
    SGX_ERROR_INVALID_ENCLAVE_ID = 0x2002,
    SGX_ERROR_INVALID_SIGNATURE = 0x2003,
    SGX_ERROR_NDEBUG_ENCLAVE = 0x2004,
    SGX_ERROR_OUT_OF_EPC = 0x2005,
    SGX_ERROR_NO_DEVICE = 0x2006,
    SGX_ERROR_MEMORY_MAP_CONFLICT = 0x2007,
    SGX_ERROR_INVALID_METADATA = 0x2009,
    SGX_ERROR_DEVICE_BUSY = 0x200c,
    SGX_ERROR_INVALID_VERSION = 0x200d,
    SGX_ERROR_MODE_INCOMPATIBLE = 0x200e,
    SGX_ERROR_ENCLAVE_FILE_ACCESS = 0x200f,
    SGX_ERROR_INVALID_MISC = 0x2010,

    SGX_ERROR_APERTURE = 0xa001, /* the signed aperture has no place for this */
    SGX_ERROR_HOST = 0xa002,     /* the host did not do its part, or lied about it */
} sgx_status_t;

#endif
