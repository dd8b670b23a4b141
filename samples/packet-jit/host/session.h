/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - the enclave's two ecalls, as functions of the host
 */
#ifndef HOST_SESSION_H
#define HOST_SESSION_H

#include <aperture/urts.h>

#include "host/capture.h"
#include "shared/filter.h"

/*
 * session_load() - hand a program to the enclave
 * @insns: at least `count`, in memory that the enclave may read
 *
 * SGX_SUCCESS says that the enclave answered: see ret_load->reason.
 */
sgx_status_t session_load(struct ap_enclave *enclave, const struct filter_insn *insns,
                          uint32_t count, struct filter_load *ret_load);

/*
 * session_run() - the loaded program over a whole capture, batch by batch
 * @repeat:   times over each batch, without leaving the enclave
 * @verdicts: capture->packet_count of them
 *
 * On success ret_matches is what the enclave counted, and ret_seconds the time of all the ecalls.
 */
sgx_status_t session_run(struct ap_enclave *enclave, const struct capture *capture,
                         enum filter_engine engine, uint32_t repeat, uint32_t *verdicts,
                         uint64_t *ret_matches, double *ret_seconds);

#endif
