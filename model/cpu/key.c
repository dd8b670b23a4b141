/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/derive.h"
#include "cpu/enclu.h"
#include "cpu/operand.h"
#include "cpu/unconfirmed.h"

#include <string.h>

/* What a request is judged by and derived from. */
struct request {
    const struct sgx_key_request *req;
    const struct sgx_secs *secs;
    const struct enclave_state *state;
    const struct platform *platform;
};

/* ------------------------------------------------------------------ may the enclave have it? */

static bool wellformed(const struct request *q)
{
    bool kss = q->secs->attributes.flags & SGX_ATTR_KSS;

    if (q->req->reserved0 != 0 || !cpu_all_zero(q->req->reserved1, sizeof q->req->reserved1) ||
        (q->req->key_policy & SGX_KEYPOLICY_RESERVED) != 0)
        return false;
    return kss || ((q->req->key_policy & SGX_KEYPOLICY_KSS) == 0 && q->req->config_svn == 0);
}

UNCONFIRMED(CONFIGSVN_CHECK);

static uint32_t versions_code(const struct request *q)
{
    if (!cpu_svn_reached(q->platform, q->req->cpu_svn))
        return SGX_INVALID_CPUSVN;
    if (q->req->isv_svn > q->secs->isv_svn)
        return SGX_INVALID_ISVSVN;
    if (q->req->key_name == SGX_KEY_SEAL && q->req->config_svn > q->secs->config_svn)
        return SGX_INVALID_ISVSVN;
    return SGX_OK;
}

static uint32_t request_code(const struct request *q)
{
    uint64_t needed = 0;

    switch (q->req->key_name) {
    case SGX_KEY_REPORT:
        return SGX_OK; /* asks for the current versions, whatever the request names */
    case SGX_KEY_SEAL:
        break;
    case SGX_KEY_EINITTOKEN:
        needed = SGX_ATTR_EINITTOKENKEY;
        break;
    case SGX_KEY_PROVISION:
    case SGX_KEY_PROVISION_SEAL:
        needed = SGX_ATTR_PROVISIONKEY;
        break;
    default:
        return SGX_INVALID_KEYNAME;
    }
    return (q->secs->attributes.flags & needed) == needed ? versions_code(q)
                                                          : SGX_INVALID_ATTRIBUTE;
}

/* ------------------------------------------------------------------ what it is derived from */

/* Inputs of every key but REPORT. */
static void common_inputs(const struct request *q, struct key_inputs *in)
{
    const struct sgx_attributes *mask = &q->req->attribute_mask;
    const struct sgx_attributes *have = &q->secs->attributes;

    in->isv_svn = q->req->isv_svn;
    in->attributes.flags = (mask->flags | SGX_ATTR_INIT | SGX_ATTR_DEBUG) & have->flags;
    in->attributes.xfrm = mask->xfrm & have->xfrm;
    in->miscselect = q->req->miscmask & q->secs->miscselect;
    memcpy(in->cpu_svn, q->req->cpu_svn, sizeof in->cpu_svn);
    memcpy(in->padding, q->state->padding, sizeof in->padding);
}

/* Inputs that KEYPOLICY chooses, of SEAL and PROVISION_SEAL. */
static void policy_inputs(const struct request *q, struct key_inputs *in)
{
    uint16_t policy = q->req->key_policy;

    in->key_policy = policy;
    in->attribute_mask = q->req->attribute_mask;
    in->miscmask = ~q->req->miscmask;
    if (!(policy & SGX_KEYPOLICY_NOISVPRODID))
        in->isv_prod_id = q->secs->isv_prod_id;
    if (policy & SGX_KEYPOLICY_ISVFAMILYID)
        memcpy(in->isv_family_id, q->state->isv_family_id, sizeof in->isv_family_id);
    if (policy & SGX_KEYPOLICY_ISVEXTPRODID)
        memcpy(in->isv_ext_prod_id, q->state->isv_ext_prod_id, sizeof in->isv_ext_prod_id);
    if (policy & SGX_KEYPOLICY_CONFIGID) {
        memcpy(in->config_id, q->secs->config_id, sizeof in->config_id);
        in->config_svn = q->req->config_svn;
    }
}

/* Inputs that tie a key to its owner's machine. */
static void owner_inputs(const struct request *q, struct key_inputs *in)
{
    memcpy(in->owner_epoch, q->platform->owner_epoch, sizeof in->owner_epoch);
    memcpy(in->key_id, q->req->key_id, sizeof in->key_id);
}

static void signer_input(const struct request *q, struct key_inputs *in)
{
    memcpy(in->mrsigner, q->secs->mrsigner, sizeof in->mrsigner);
}

static void seal_inputs(const struct request *q, struct key_inputs *in)
{
    common_inputs(q, in);
    policy_inputs(q, in);
    owner_inputs(q, in);
    in->seal_fuses = 1;
    if (q->req->key_policy & SGX_KEYPOLICY_MRENCLAVE)
        memcpy(in->mrenclave, q->secs->mrenclave, sizeof in->mrenclave);
    if (q->req->key_policy & SGX_KEYPOLICY_MRSIGNER)
        signer_input(q, in);
}

static void provision_seal_inputs(const struct request *q, struct key_inputs *in)
{
    common_inputs(q, in);
    policy_inputs(q, in);
    signer_input(q, in);
    in->seal_fuses = 1;
}

UNCONFIRMED(PROVISION_CONFIGSVN);

static void provision_inputs(const struct request *q, struct key_inputs *in)
{
    common_inputs(q, in);
    signer_input(q, in);
    in->isv_prod_id = q->secs->isv_prod_id;
    in->attribute_mask = q->req->attribute_mask;
    in->miscmask = ~q->req->miscmask;
}

static void token_inputs(const struct request *q, struct key_inputs *in)
{
    common_inputs(q, in);
    owner_inputs(q, in);
    signer_input(q, in);
    in->isv_prod_id = q->secs->isv_prod_id;
    in->seal_fuses = 1;
}

/* The key with which others would MAC a report for this very enclave. */
static void report_inputs(const struct request *q, struct key_inputs *in)
{
    struct sgx_targetinfo self = {
        .attributes = q->secs->attributes,
        .config_svn = q->secs->config_svn,
        .miscselect = q->secs->miscselect,
    };

    memcpy(self.measurement, q->secs->mrenclave, sizeof self.measurement);
    memcpy(self.config_id, q->secs->config_id, sizeof self.config_id);
    cpu_report_key_inputs(q->platform, &self, q->req->key_id, in);
}

static void inputs_of(const struct request *q, struct key_inputs *in)
{
    *in = (struct key_inputs){.key_name = q->req->key_name};
    switch (q->req->key_name) {
    case SGX_KEY_SEAL:
        seal_inputs(q, in);
        break;
    case SGX_KEY_REPORT:
        report_inputs(q, in);
        break;
    case SGX_KEY_EINITTOKEN:
        token_inputs(q, in);
        break;
    case SGX_KEY_PROVISION:
        provision_inputs(q, in);
        break;
    case SGX_KEY_PROVISION_SEAL:
        provision_seal_inputs(q, in);
        break;
    }
}

struct outcome enclu_egetkey(struct cpu *cpu)
{
    struct sgx_key_request copy;
    struct key_inputs inputs;
    struct sgx_key key;
    uint32_t code;
    void *in, *out;
    struct request q = {
        .req = &copy,
        .secs = cpu_secs(cpu),
        .state = cpu->epc->state,
        .platform = cpu->epc->platform,
    };

    TRY(cpu_operand(cpu, cpu->r.rbx, sizeof copy, ACCESS_READ, &in));
    TRY(cpu_operand(cpu, cpu->r.rcx, sizeof key, ACCESS_WRITE, &out));
    memcpy(&copy, in, sizeof copy);
    NEED(wellformed(&q), leaf_gp());
    code = request_code(&q);
    NEED(code == SGX_OK, leaf_done(code));
    inputs_of(&q, &inputs);
    NEED(cpu_derive(q.platform, &inputs, key.bytes), leaf_gp()); /* no memory */

    memcpy(out, &key, sizeof key);
    return leaf_done(SGX_OK);
}
