/* SPDX-License-Identifier: Apache-2.0 */
/*
 * derive.h - where every key of the processor comes from (private to model/cpu)
 *
 * The manual names the inputs of each key and leaves the function open. Here a key is the
 * AES-128-CMAC, under the platform's secret, of the structure below: its fields are the manual's
 * key dependencies, and a field that a key does not depend on stays zero.
 */
#ifndef MODEL_CPU_DERIVE_H
#define MODEL_CPU_DERIVE_H

#include "cpu/cpu.h"
#include "cpu/sigcheck.h"

struct key_inputs {
    uint16_t key_name;
    uint16_t key_policy;
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    uint16_t seal_fuses; /* 1 where the manual says the seal fuses enter */
    uint32_t miscselect;
    uint32_t miscmask;
    struct sgx_attributes attributes;
    struct sgx_attributes attribute_mask;
    uint8_t isv_family_id[16];
    uint8_t isv_ext_prod_id[16];
    uint8_t owner_epoch[16];
    uint8_t cpu_svn[16];
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
    uint8_t key_id[32];
    uint8_t config_id[64];
    uint8_t padding[PKCS_PADDING_SIZE];
} __attribute__((packed));

/* False if libcrypto fails, which only happens without memory. */
bool cpu_derive(const struct platform *platform, const struct key_inputs *inputs,
                uint8_t ret_key[static 16]);

bool cpu_cmac(const uint8_t key[static 16], const void *message, size_t size,
              uint8_t ret_mac[static 16]);

/*
 * The key that MACs reports for a target: of EREPORT, and of EGETKEY where the target is the
 * enclave that asks. One function, so that the two cannot disagree. In report.c.
 */
void cpu_report_key_inputs(const struct platform *platform, const struct sgx_targetinfo *target,
                           const uint8_t key_id[static 32], struct key_inputs *ret_inputs);

/*
 * Security versions of the processor form vectors, one byte for each component: a request may name
 * any that is nowhere beyond the current one. All zero, "the oldest", always is.
 */
bool cpu_svn_reached(const struct platform *platform, const uint8_t requested[static 16]);

#endif
