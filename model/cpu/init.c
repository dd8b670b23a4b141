/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/derive.h"
#include "cpu/measure.h"
#include "cpu/operand.h"
#include "cpu/sigcheck.h"
#include "cpu/token.h"
#include "cpu/unconfirmed.h"

#include <openssl/crypto.h>
#include <string.h>

/* What EINIT works out on the way and stores at the end. */
struct identity {
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
};

static bool same(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

/* ------------------------------------------------------------------ SIGSTRUCT */

UNCONFIRMED(EINIT_CET);

static bool sigstruct_wellformed(const struct sgx_sigstruct *sig)
{
    static const uint8_t header[] = SGX_SIG_HEADER;
    static const uint8_t header2[] = SGX_SIG_HEADER2;

    return same(sig->header, header, sizeof header) &&
           (sig->vendor == 0 || sig->vendor == SGX_SIG_VENDOR_INTEL) &&
           same(sig->header2, header2, sizeof header2) && sig->exponent == SGX_SIG_EXPONENT &&
           cpu_all_zero(sig->reserved0, sizeof sig->reserved0) && sig->cet_attributes == 0 &&
           sig->cet_attributes_mask == 0 && /* no CET here */
           cpu_all_zero(sig->reserved1, sizeof sig->reserved1) &&
           cpu_all_zero(sig->reserved2, sizeof sig->reserved2) &&
           cpu_all_zero(sig->reserved3, sizeof sig->reserved3);
}

static uint32_t signature_code(const struct sgx_sigstruct *sig)
{
    switch (cpu_signature_check(sig)) {
    case SIGNATURE_GOOD:
        return SGX_OK;
    case SIGNATURE_BAD:
        return SGX_INVALID_SIGNATURE;
    case SIGNATURE_UNKNOWN:
        break;
    }
    return SGX_UNMASKED_EVENT; /* the code that asks the caller to try again */
}

static bool attributes_match(const struct sgx_secs *secs, const struct sgx_sigstruct *sig)
{
    const struct sgx_attributes have = secs->attributes; /* copies: SIGSTRUCT is packed */
    const struct sgx_attributes want = sig->attributes;
    const struct sgx_attributes mask = sig->attribute_mask;

    return ((have.flags ^ want.flags) & mask.flags) == 0 &&
           ((have.xfrm ^ want.xfrm) & mask.xfrm) == 0;
}

/* ------------------------------------------------------------------ EINITTOKEN */

static bool token_reserved_clear(const struct sgx_einittoken *token)
{
    return (token->valid & ~SGX_TOKEN_VALID) == 0 &&
           cpu_all_zero(token->reserved0, sizeof token->reserved0) &&
           cpu_all_zero(token->reserved1, sizeof token->reserved1) &&
           cpu_all_zero(token->reserved2, sizeof token->reserved2) &&
           cpu_all_zero(token->reserved3, sizeof token->reserved3);
}

/* The key that the launch enclave had from EGETKEY when it made the token. */
static bool token_key(const struct platform *platform, const struct sgx_einittoken *token,
                      uint8_t ret_key[static 16])
{
    struct key_inputs inputs = {
        .key_name = SGX_KEY_EINITTOKEN,
        .isv_prod_id = token->isv_prod_id_le,
        .isv_svn = token->isv_svn_le,
        .seal_fuses = 1,
        .miscselect = token->masked_miscselect_le,
        .attributes = token->masked_attributes_le,
    };

    memcpy(inputs.owner_epoch, platform->owner_epoch, sizeof inputs.owner_epoch);
    memcpy(inputs.cpu_svn, token->cpu_svn_le, sizeof inputs.cpu_svn);
    memcpy(inputs.mrsigner, platform->le_pubkey_hash, sizeof inputs.mrsigner);
    memcpy(inputs.key_id, token->key_id, sizeof inputs.key_id);
    cpu_pkcs_padding(inputs.padding);
    return cpu_derive(platform, &inputs, ret_key);
}

static uint32_t token_code(const struct epc *epc, const struct sgx_secs *secs,
                           const struct identity *id, const struct sgx_einittoken *token)
{
    uint8_t key[16], mac[16];

    if (!(token->valid & SGX_TOKEN_VALID))
        return same(id->mrsigner, epc->platform->le_pubkey_hash, sizeof id->mrsigner)
                   ? SGX_OK
                   : SGX_INVALID_EINITTOKEN;

    if ((token->masked_attributes_le.flags & SGX_ATTR_DEBUG) &&
        !(secs->attributes.flags & SGX_ATTR_DEBUG))
        return SGX_INVALID_EINITTOKEN;
    if (!token_reserved_clear(token))
        return SGX_INVALID_EINITTOKEN;
    if (!cpu_svn_reached(epc->platform, token->cpu_svn_le))
        return SGX_INVALID_CPUSVN;
    if (!token_key(epc->platform, token, key) || !cpu_cmac(key, token, SGX_TOKEN_MACED_SIZE, mac))
        return SGX_UNMASKED_EVENT; /* no memory: try again */
    if (CRYPTO_memcmp(mac, token->mac, sizeof mac) != 0)
        return SGX_INVALID_EINITTOKEN;
    if (!same(token->mrenclave, id->mrenclave, sizeof id->mrenclave) ||
        !same(token->mrsigner, id->mrsigner, sizeof id->mrsigner))
        return SGX_INVALID_MEASUREMENT;
    if (!same(&token->attributes, &secs->attributes, sizeof secs->attributes))
        return SGX_INVALID_ATTRIBUTE;
    return SGX_OK;
}

/* ------------------------------------------------------------------ EINIT */

/* The checks that compare the signature with the enclave. */
static uint32_t identity_code(const struct epc *epc, const struct sgx_secs *secs,
                              const struct sgx_sigstruct *sig, const struct identity *id)
{
    if (!same(id->mrenclave, sig->enclave_hash, sizeof id->mrenclave))
        return SGX_INVALID_MEASUREMENT;
    if ((secs->attributes.flags & SGX_ATTR_EINITTOKENKEY) &&
        !same(id->mrsigner, epc->platform->le_pubkey_hash, sizeof id->mrsigner))
        return SGX_INVALID_ATTRIBUTE;
    if (!attributes_match(secs, sig))
        return SGX_INVALID_ATTRIBUTE;
    if (((secs->miscselect ^ sig->miscselect) & sig->miscmask) != 0)
        return SGX_INVALID_ATTRIBUTE;
    return SGX_OK;
}

static void commit(struct epc *epc, struct sgx_secs *secs, const struct sgx_sigstruct *sig,
                   const struct identity *id)
{
    struct enclave_state *state = epc->state;

    memcpy(secs->mrenclave, id->mrenclave, sizeof secs->mrenclave);
    memcpy(secs->mrsigner, id->mrsigner, sizeof secs->mrsigner);
    secs->isv_prod_id = sig->isv_prod_id;
    secs->isv_svn = sig->isv_svn;
    secs->attributes.flags |= SGX_ATTR_INIT;

    memcpy(state->isv_family_id, sig->isv_family_id, sizeof state->isv_family_id);
    memcpy(state->isv_ext_prod_id, sig->isv_ext_prod_id, sizeof state->isv_ext_prod_id);
    cpu_pkcs_padding(state->padding); /* the signature was good, so it held exactly these bytes */
    state->measuring_done = true;
}

UNCONFIRMED(EINIT_EXT_PROD_ID);
UNCONFIRMED(EINIT_TWICE);

struct outcome cpu_einit(struct epc *epc, uint64_t rbx_sigstruct, uint64_t rcx_secs,
                         uint64_t rdx_token)
{
    struct sgx_einittoken token = {0};
    struct sgx_sigstruct sig;
    struct sgx_secs *secs;
    struct identity id;
    uint64_t frame;
    uint32_t code;

    NEED(aligned(rbx_sigstruct, SGX_PAGE_SIZE) && aligned(rcx_secs, SGX_PAGE_SIZE) &&
             aligned(rdx_token, 512),
         leaf_gp());
    NEED(cpu_epc_find(epc, rcx_secs, &frame), cpu_encls_pf(rcx_secs));
    memcpy(&sig, (const void *)(uintptr_t)rbx_sigstruct, sizeof sig);
    memcpy(&token, (const void *)(uintptr_t)rdx_token, SGX_TOKEN_SIZE);
    secs = epc_frame(epc, frame);

    NEED(sigstruct_wellformed(&sig), leaf_done(SGX_INVALID_SIG_STRUCT));
    code = signature_code(&sig);
    NEED(code == SGX_OK, leaf_done(code));
    NEED(epc_is_secs(epc, frame), cpu_encls_pf(rcx_secs));
    NEED((secs->attributes.flags & SGX_ATTR_KSS) ||
             cpu_all_zero(sig.isv_family_id, sizeof sig.isv_family_id),
         leaf_done(SGX_INVALID_SIG_STRUCT));
    NEED(!epc->state->measuring_done, leaf_gp());

    cpu_measure_digest(epc->state, id.mrenclave);
    cpu_signer(&sig, id.mrsigner);
    code = identity_code(epc, secs, &sig, &id);
    NEED(code == SGX_OK, leaf_done(code));
    code = token_code(epc, secs, &id, &token);
    NEED(code == SGX_OK, leaf_done(code));

    commit(epc, secs, &sig, &id);
    return leaf_done(SGX_OK);
}
