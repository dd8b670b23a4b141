/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.h - replay a load plan into the device
 */
#ifndef URTS_LOADER_H
#define URTS_LOADER_H

#include <stdbool.h>

#include "aperture/urts.h"
#include "area.h"
#include "image/plan.h"
#include "os.h"

/* An initialised enclave, mapped. */
struct loaded {
    const struct os *os;
    int fd;        /* owned */
    uint64_t base; /* ELRANGE is owned: reserved, and mapped where areas says so */
    uint64_t size; /* bytes */
    struct area_list areas;
};

/*
 * loader_load() - ECREATE, EADD, EINIT, and the mappings
 *
 * One ADD_PAGES per run of the plan, unless a signal cuts one short. On failure nothing remains,
 * and ret_error says what, where and what to do.
 */
sgx_status_t loader_load(const struct os *os, const struct image *image, const struct plan *plan,
                         bool debug, struct loaded *ret_loaded, struct ap_error *ret_error);

/* Unmap and close: the enclave ends with its last mapping and descriptor. */
void loader_unload(struct loaded *loaded);

#endif
