/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enclave.h - an enclave as the untrusted runtime sees it
 */
#ifndef URTS_ENCLAVE_H
#define URTS_ENCLAVE_H

#include "aperture/urts.h"
#include "crash.h"
#include "loader.h"
#include "pool.h"

struct ap_enclave {
    struct loaded loaded; /* constant after creation */
    struct pool pool;
    struct crash crash;
};

#endif
