/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/derive.h"
#include "cpu/enclu.h"
#include "cpu/operand.h"
#include "cpu/unconfirmed.h"

#include <string.h>

void cpu_report_key_inputs(const struct platform *platform, const struct sgx_targetinfo *target,
                           const uint8_t key_id[static 32], struct key_inputs *ret_inputs)
{
    struct key_inputs in = {
        .key_name = SGX_KEY_REPORT,
        .config_svn = target->config_svn,
        .seal_fuses = 1,
        .miscselect = target->miscselect,
        .attributes = target->attributes,
    };

    memcpy(in.owner_epoch, platform->owner_epoch, sizeof in.owner_epoch);
    memcpy(in.cpu_svn, platform->cpu_svn, sizeof in.cpu_svn);
    memcpy(in.mrenclave, target->measurement, sizeof in.mrenclave);
    memcpy(in.key_id, key_id, sizeof in.key_id);
    memcpy(in.config_id, target->config_id, sizeof in.config_id);
    cpu_pkcs_padding(in.padding);
    *ret_inputs = in;
}

/* Everything but KEYID and MAC. */
static void describe(const struct cpu *cpu, const struct sgx_reportdata *data,
                     struct sgx_report *ret_report)
{
    const struct sgx_secs *secs = cpu_secs(cpu);
    const struct enclave_state *state = cpu->epc->state;
    struct sgx_report r = {
        .miscselect = secs->miscselect,
        .attributes = secs->attributes,
        .isv_prod_id = secs->isv_prod_id,
        .isv_svn = secs->isv_svn,
        .config_svn = secs->config_svn,
    };

    memcpy(r.cpu_svn, cpu->epc->platform->cpu_svn, sizeof r.cpu_svn);
    memcpy(r.isv_ext_prod_id, state->isv_ext_prod_id, sizeof r.isv_ext_prod_id);
    memcpy(r.mrenclave, secs->mrenclave, sizeof r.mrenclave);
    memcpy(r.mrsigner, secs->mrsigner, sizeof r.mrsigner);
    memcpy(r.config_id, secs->config_id, sizeof r.config_id);
    memcpy(r.isv_family_id, state->isv_family_id, sizeof r.isv_family_id);
    memcpy(r.reportdata, data->bytes, sizeof r.reportdata);
    *ret_report = r;
}

static bool seal(const struct platform *platform, const struct sgx_targetinfo *target,
                 struct sgx_report *report)
{
    struct key_inputs inputs;
    uint8_t key[16];

    memcpy(report->key_id, platform->report_key_id, sizeof report->key_id);
    cpu_report_key_inputs(platform, target, report->key_id, &inputs);
    return cpu_derive(platform, &inputs, key) &&
           cpu_cmac(key, report, SGX_REPORT_MACED_SIZE, report->mac);
}

UNCONFIRMED(TARGETINFO_RESERVED);

struct outcome enclu_ereport(struct cpu *cpu)
{
    struct sgx_targetinfo target;
    struct sgx_reportdata data = {0};
    struct sgx_report report;
    void *target_at, *data_at, *out;

    TRY(cpu_operand(cpu, cpu->r.rbx, sizeof target, ACCESS_READ, &target_at));
    TRY(cpu_operand(cpu, cpu->r.rcx, sizeof data, ACCESS_READ, &data_at));
    TRY(cpu_operand(cpu, cpu->r.rdx, SGX_REPORT_ALIGN, ACCESS_WRITE, &out));
    memcpy(&target, target_at, sizeof target);
    memcpy(&data, data_at, sizeof data.bytes);
    describe(cpu, &data, &report);
    NEED(seal(cpu->epc->platform, &target, &report), leaf_gp()); /* no memory */

    memcpy(out, &report, sizeof report);
    return leaf_done(SGX_OK);
}
