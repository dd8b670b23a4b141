/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate.h - the four files that come of an interface
 *
 * Each takes an interface that check() found no error in. What the generated code relies on is in
 * sgx_edger8r.h, sgx_defs.h, sgx_eid.h and, inside the enclave, aperture/edl.h.
 */
#ifndef EDL_GENERATE_H
#define EDL_GENERATE_H

#include "emit.h"

/* X_t.h and X_u.h */
void generate_trusted_header(struct emit *e);
void generate_untrusted_header(struct emit *e);

/* X_u.c: what the host calls to get in, and what the enclave's ocalls arrive at. */
void generate_untrusted_source(struct emit *e);

/* X_t.c: what the host's ecalls arrive at, and what the enclave calls to get out. */
void generate_trusted_source(struct emit *e);

/* ------------------------------------------------------- between the generators' files */

/* gen_header.c: the first line of each file, and the marshalling structures of both sources */
void generate_title(struct emit *e);
void generate_ms_structures(struct emit *e);

/* gen_header.c: a parameter list with its parentheses; `first` may be NULL, `result` says whether
 * a pointer to the result comes next. */
const char *generate_parameters(struct emit *e, const struct function *f, const char *first,
                                bool result);

/* gen_ecall.c: the bridge of one ecall. gen_ocall.c: the proxy of one ocall. */
void generate_ecall_bridge(struct emit *e, const struct function *f);
void generate_ocall_proxy(struct emit *e, const struct function *f);

/* gen_deep.c: the functions that both use for structures with pointers. */
void generate_deep_functions(struct emit *e);

#endif
