/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sgx_defs.h - words that declarations of the SDK carry, and what they mean here
 *
 * Interface files may name calling conventions and DLLs, which x86-64 Linux does not have. The
 * words are kept so that generated and existing declarations read the same everywhere.
 */
#ifndef SGX_DEFS_H
#define SGX_DEFS_H

#define SGXAPI           /* a function of the SDK */
#define SGX_CDECL        /* [cdecl] */
#define SGX_STDCALL      /* [stdcall] */
#define SGX_FASTCALL     /* [fastcall] */
#define SGX_DLLIMPORT    /* [dllimport] */
#define SGX_NOCONVENTION /* none of them */

/*
 * SGX_UBRIDGE() - the declarator of an ocall in X_u.h
 * @convention: one of the words above
 * @name:       the function
 * @parameters: its parameter list with the parentheses
 */
#define SGX_UBRIDGE(convention, name, parameters) convention name parameters

#endif
