/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/secspage.h"

#include <string.h>

struct hidden {
    uint64_t eid;
    uint64_t epoch;
    uint64_t measuring_done;
    uint32_t sha[28];
    uint8_t padding[352];
    uint8_t isv_family_id[16];
    uint8_t isv_ext_prod_id[16];
};

/* Anywhere in the reserved bytes will do. */
#define HIDDEN_AT 2048u

SGX_STATIC_ASSERT(HIDDEN_AT >= offsetof(struct sgx_secs, reserved3) &&
                      HIDDEN_AT + sizeof(struct hidden) <= sizeof(struct sgx_secs),
                  "the hidden state lies in reserved bytes");

void cpu_secs_pack(const struct sgx_secs *secs, const struct enclave_state *state, void *ret_page)
{
    struct hidden hidden = {
        .eid = state->eid,
        .epoch = state->epoch,
        .measuring_done = state->measuring_done,
    };

    memcpy(hidden.sha, state->sha, sizeof hidden.sha);
    memcpy(hidden.padding, state->padding, sizeof hidden.padding);
    memcpy(hidden.isv_family_id, state->isv_family_id, sizeof hidden.isv_family_id);
    memcpy(hidden.isv_ext_prod_id, state->isv_ext_prod_id, sizeof hidden.isv_ext_prod_id);
    memcpy(ret_page, secs, sizeof *secs);
    memcpy((uint8_t *)ret_page + HIDDEN_AT, &hidden, sizeof hidden);
}

void cpu_secs_unpack(const void *page, struct sgx_secs *ret_secs, struct enclave_state *ret_state)
{
    struct hidden hidden;

    memcpy(ret_secs, page, sizeof *ret_secs);
    memcpy(&hidden, (const uint8_t *)page + HIDDEN_AT, sizeof hidden);
    memset((uint8_t *)ret_secs + HIDDEN_AT, 0, sizeof hidden);

    cpu_secs_forget(ret_state);
    ret_state->eid = hidden.eid;
    ret_state->epoch = hidden.epoch;
    ret_state->measuring_done = hidden.measuring_done;
    ret_state->exists = true;
    memcpy(ret_state->sha, hidden.sha, sizeof hidden.sha);
    memcpy(ret_state->padding, hidden.padding, sizeof hidden.padding);
    memcpy(ret_state->isv_family_id, hidden.isv_family_id, sizeof hidden.isv_family_id);
    memcpy(ret_state->isv_ext_prod_id, hidden.isv_ext_prod_id, sizeof hidden.isv_ext_prod_id);
}

void cpu_secs_forget(struct enclave_state *state)
{
    *state = (struct enclave_state){
        .last_eid = state->last_eid,
        .last_version = state->last_version,
    };
}
