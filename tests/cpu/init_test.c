/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"
#include "cpu/derive.h"

static struct outcome run(struct machine *m)
{
    return cpu_einit(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx, m->cpu.r.rdx);
}

/* A built enclave, a SIGSTRUCT that fits, and the signer's hash in the launch registers. */
static void prepare(struct machine *m)
{
    machine_boot(m);
    m->secs.attributes.flags |= SGX_ATTR_DEBUG;
    machine_build(m);
    prepare_sigstruct(m);
    sign(m->sig);
    EVP_Digest(m->sig->modulus, SGX_KEY_SIZE, m->platform.le_pubkey_hash, NULL, EVP_sha256(), NULL);
    m->cpu.r.rbx = (uintptr_t)m->sig;
    m->cpu.r.rcx = epc_address(&m->epc, SECS_FRAME);
    m->cpu.r.rdx = (uintptr_t)m->token;
}

/* ------------------------------------------------------------------ with an empty token */

#define SIGNED(change)                                                                             \
    change;                                                                                        \
    sign(m->sig)

COMMIT(rbx_misaligned, m->cpu.r.rbx |= 0x800)
COMMIT(rcx_misaligned, m->cpu.r.rcx |= 0x800)
COMMIT(rdx_misaligned, m->cpu.r.rdx |= 0x100)
COMMIT(beyond_epc, m->cpu.r.rcx += (uint64_t)FRAMES * PAGE)
COMMIT(header, m->sig->header[12] = 0x80)
COMMIT(vendor, m->sig->vendor = 0x8087)
COMMIT(header2, m->sig->header2[0] = 2)
COMMIT(exponent, m->sig->exponent = 0x10001)
COMMIT(reserved0, m->sig->reserved0[83] = 1)
COMMIT(reserved1, m->sig->reserved1[1] = 1)
COMMIT(reserved2, m->sig->reserved2[0] = 1)
COMMIT(reserved3, m->sig->reserved3[11] = 1)
COMMIT(cet, m->sig->cet_attributes = 1)
COMMIT(cet_mask, m->sig->cet_attributes_mask = 1)
COMMIT(signature, m->sig->signature[100] = m->sig->signature[101] = 0)
COMMIT(q1, m->sig->q1[200] = m->sig->q1[201] = 0)
COMMIT(q2, m->sig->q2[300] = m->sig->q2[301] = 0)
COMMIT(date, m->sig->date = 0x20250101)
COMMIT(invalid, m->epc.epcm[SECS_FRAME].valid = false)
COMMIT(not_secs, m->epc.epcm[SECS_FRAME].pt = SGX_PT_REG)
COMMIT(family, SIGNED(m->sig->isv_family_id[15] = 1))
COMMIT(initialised, m->state.measuring_done = true)
COMMIT(hash, SIGNED(m->sig->enclave_hash[31] = m->sig->enclave_hash[30] = 0))
COMMIT(launch_key, SIGNED(m->sig->attributes.flags |= SGX_ATTR_EINITTOKENKEY);
       secs_of(m)->attributes.flags |= SGX_ATTR_EINITTOKENKEY; m->platform.le_pubkey_hash[0] = 0;
       m->platform.le_pubkey_hash[1] = 0)
COMMIT(mode, SIGNED(m->sig->attributes.flags &= ~SGX_ATTR_MODE64BIT))
COMMIT(debug, SIGNED(m->sig->attributes.flags &= ~SGX_ATTR_DEBUG;
                     m->sig->attribute_mask.flags |= SGX_ATTR_DEBUG))
COMMIT(init, SIGNED(m->sig->attributes.flags |= SGX_ATTR_INIT))
COMMIT(xfrm, SIGNED(m->sig->attributes.xfrm |= SGX_XFRM_PKRU))
COMMIT(misc, SIGNED(m->sig->miscselect = 0))
COMMIT(signer, m->platform.le_pubkey_hash[0] = 0; m->platform.le_pubkey_hash[1] = 0)

static const struct violation violations[] = {
    GP("SIGSTRUCT misaligned", rbx_misaligned),
    GP("SECS misaligned", rcx_misaligned),
    GP("token misaligned", rdx_misaligned),
    PF("SECS beyond the EPC", beyond_epc, RCX, 0, KERNEL),
    CODE("header, with the old debug bit", header, SGX_INVALID_SIG_STRUCT),
    CODE("vendor", vendor, SGX_INVALID_SIG_STRUCT),
    CODE("second header", header2, SGX_INVALID_SIG_STRUCT),
    CODE("exponent", exponent, SGX_INVALID_SIG_STRUCT),
    CODE("reserved bytes of the header", reserved0, SGX_INVALID_SIG_STRUCT),
    CODE("reserved bytes before ISVFAMILYID", reserved1, SGX_INVALID_SIG_STRUCT),
    CODE("reserved bytes after ENCLAVEHASH", reserved2, SGX_INVALID_SIG_STRUCT),
    CODE("reserved bytes before Q1", reserved3, SGX_INVALID_SIG_STRUCT),
    CODE("CET attributes", cet, SGX_INVALID_SIG_STRUCT),
    CODE("CET attribute mask", cet_mask, SGX_INVALID_SIG_STRUCT),
    CODE("a bit of the signature", signature, SGX_INVALID_SIGNATURE),
    CODE("a bit of Q1", q1, SGX_INVALID_SIGNATURE),
    CODE("a bit of Q2", q2, SGX_INVALID_SIGNATURE),
    CODE("another date than was signed", date, SGX_INVALID_SIGNATURE),
    PF("SECS page not valid", invalid, RCX, 0, KERNEL),
    PF("SECS page no SECS", not_secs, RCX, 0, KERNEL),
    CODE("ISVFAMILYID without KSS", family, SGX_INVALID_SIG_STRUCT),
    GP("initialised already", initialised),
    CODE("another measurement", hash, SGX_INVALID_MEASUREMENT),
    CODE("EINITTOKENKEY for another launch key", launch_key, SGX_INVALID_ATTRIBUTE),
    CODE("MODE64BIT differs", mode, SGX_INVALID_ATTRIBUTE),
    CODE("DEBUG forced on a production enclave", debug, SGX_INVALID_ATTRIBUTE),
    CODE("INIT demanded", init, SGX_INVALID_ATTRIBUTE),
    CODE("XFRM differs", xfrm, SGX_INVALID_ATTRIBUTE),
    CODE("MISCSELECT differs", misc, SGX_INVALID_ATTRIBUTE),
    CODE("no token and another launch key", signer, SGX_INVALID_EINITTOKEN),
};

Test(init, every_check_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    prepare(&m);
    CHECKS_HOLD(&m, run, violations);
    machine_halt(&m);
}

Test(init, gives_the_enclave_its_identity)
{
    struct machine m;
    struct sgx_secs *secs;

    prepare(&m);
    secs = secs_of(&m);
    m.sig->isv_ext_prod_id[3] = 9;
    sign(m.sig);
    cr_expect(is_ok(run(&m)));
    cr_expect_arr_eq(secs->mrenclave, m.sig->enclave_hash, 32);
    cr_expect_arr_eq(secs->mrsigner, m.platform.le_pubkey_hash, 32);
    cr_expect_eq(secs->isv_prod_id, 0x1234);
    cr_expect_eq(secs->isv_svn, 5);
    cr_expect(secs->attributes.flags & SGX_ATTR_INIT);
    cr_expect(m.state.measuring_done);
    cr_expect_eq(m.state.isv_ext_prod_id[3], 9);
    cr_expect(m.state.padding[1] == 1 && m.state.padding[351] == 0x20);
    machine_halt(&m);
}

Test(init, a_refused_enclave_may_try_again_with_another_sigstruct)
{
    struct machine m;

    prepare(&m);
    m.sig->enclave_hash[0] ^= 1;
    sign(m.sig);
    cr_expect(is_code(run(&m), SGX_INVALID_MEASUREMENT));
    m.sig->enclave_hash[0] ^= 1;
    sign(m.sig);
    cr_expect(is_ok(run(&m)));
    cr_expect(is_gp(run(&m)));
    machine_halt(&m);
}

/* A one-page enclave whose page is filled with a byte, but for one that is xored. */
static void build_page(struct machine *m, uint8_t xor)
{
    machine_create(m);
    memset(m->source, 0x21, PAGE);
    m->source[1717] ^= xor;
    add_page(m, 0, SGX_SECINFO_REG | SGX_SECINFO_R, true);
}

Test(init, one_flipped_bit_of_a_measured_page_is_another_measurement)
{
    struct machine author, host;

    machine_boot(&author);
    build_page(&author, 0);
    prepare_sigstruct(&author);
    sign(author.sig);
    machine_boot(&host);
    build_page(&host, 0x40);
    memcpy(host.sig, author.sig, sizeof *host.sig);
    cr_expect(is_ok(einit(&author)));
    cr_expect(is_code(einit(&host), SGX_INVALID_MEASUREMENT));
    machine_halt(&author);
    machine_halt(&host);
}

Test(init, unmasked_bits_may_differ)
{
    struct machine m;

    prepare(&m);
    m.sig->attributes.flags &= ~SGX_ATTR_DEBUG;
    m.sig->attributes.xfrm |= SGX_XFRM_PKRU;
    m.sig->attribute_mask.xfrm = ~SGX_XFRM_PKRU;
    m.sig->miscselect = 2;
    m.sig->miscmask = 0;
    sign(m.sig);
    cr_expect(is_ok(run(&m)));
    machine_halt(&m);
}

Test(init, intel_may_be_the_vendor)
{
    struct machine m;

    prepare(&m);
    m.sig->vendor = SGX_SIG_VENDOR_INTEL;
    sign(m.sig);
    cr_expect(is_ok(run(&m)));
    machine_halt(&m);
}

Test(init, a_family_is_for_enclaves_with_kss)
{
    struct machine m;

    machine_boot(&m);
    m.secs.attributes.flags |= SGX_ATTR_KSS;
    machine_build(&m);
    prepare_sigstruct(&m);
    m.sig->isv_family_id[0] = 0x77;
    sign(m.sig);
    cr_expect(is_ok(einit(&m)));
    cr_expect_eq(m.state.isv_family_id[0], 0x77);
    machine_halt(&m);
}

Test(init, the_launch_key_owner_may_have_the_token_key)
{
    struct machine m;

    machine_boot(&m);
    m.secs.attributes.flags |= SGX_ATTR_EINITTOKENKEY;
    machine_start(&m);
    cr_expect(m.state.measuring_done);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ with a token */

/* As a launch enclave would: the MAC under the key that its EGETKEY would give it. */
static void seal_token(struct machine *m)
{
    struct key_inputs in = {
        .key_name = SGX_KEY_EINITTOKEN,
        .isv_prod_id = m->token->isv_prod_id_le,
        .isv_svn = m->token->isv_svn_le,
        .seal_fuses = 1,
        .miscselect = m->token->masked_miscselect_le,
        .attributes = m->token->masked_attributes_le,
    };
    uint8_t key[16];

    memcpy(in.owner_epoch, m->platform.owner_epoch, 16);
    memcpy(in.cpu_svn, m->token->cpu_svn_le, 16);
    memcpy(in.mrsigner, m->platform.le_pubkey_hash, 32);
    memcpy(in.key_id, m->token->key_id, 32);
    cpu_pkcs_padding(in.padding);
    cr_assert(cpu_derive(&m->platform, &in, key));
    cr_assert(cpu_cmac(key, m->token, 192, m->token->mac));
}

static void prepare_token(struct machine *m)
{
    prepare(m);
    memset(m->platform.le_pubkey_hash, 0x1e, 32); /* the launch key is somebody else's */
    secs_of(m)->attributes.flags &= ~SGX_ATTR_DEBUG;
    *m->token = (struct sgx_einittoken){
        .valid = 1,
        .attributes = secs_of(m)->attributes,
        .isv_prod_id_le = 3,
        .isv_svn_le = 4,
        .masked_attributes_le = {SGX_ATTR_INIT | SGX_ATTR_MODE64BIT, 3},
        .key_id = {9},
    };
    memcpy(m->token->mrenclave, m->sig->enclave_hash, 32);
    cpu_signer(m->sig, m->token->mrsigner);
    memcpy(m->token->cpu_svn_le, m->platform.cpu_svn, 16);
    seal_token(m);
}

#define SEALED(change)                                                                             \
    change;                                                                                        \
    seal_token(m)

COMMIT(le_debug, SEALED(m->token->masked_attributes_le.flags |= SGX_ATTR_DEBUG))
COMMIT(token_valid_bits, SEALED(m->token->valid |= 2))
COMMIT(token_reserved0, SEALED(m->token->reserved0[43] = 1))
COMMIT(token_reserved1, SEALED(m->token->reserved1[0] = 1))
COMMIT(token_reserved2, SEALED(m->token->reserved2[31] = 1))
COMMIT(token_reserved3, SEALED(m->token->reserved3[0] = 1))
COMMIT(token_svn, SEALED(m->token->cpu_svn_le[5] = 8))
COMMIT(token_mac, m->token->mac[0] = m->token->mac[1] = m->token->mac[2] = 0)
COMMIT(token_key_id, m->token->key_id[31] = 1)
COMMIT(token_mrenclave, SEALED(m->token->mrenclave[0] = m->token->mrenclave[1] = 0))
COMMIT(token_mrsigner, SEALED(m->token->mrsigner[0] = m->token->mrsigner[1] = 0))
COMMIT(token_flags, SEALED(m->token->attributes.flags |= SGX_ATTR_KSS))
COMMIT(token_xfrm, SEALED(m->token->attributes.xfrm = 3))

static const struct violation token_violations[] = {
    CODE("MISCSELECT differs", misc, SGX_INVALID_ATTRIBUTE),
    CODE("debug launch enclave for a production one", le_debug, SGX_INVALID_EINITTOKEN),
    CODE("reserved bits of VALID", token_valid_bits, SGX_INVALID_EINITTOKEN),
    CODE("reserved bytes after VALID", token_reserved0, SGX_INVALID_EINITTOKEN),
    CODE("reserved bytes after MRENCLAVE", token_reserved1, SGX_INVALID_EINITTOKEN),
    CODE("reserved bytes after MRSIGNER", token_reserved2, SGX_INVALID_EINITTOKEN),
    CODE("reserved bytes after ISVSVNLE", token_reserved3, SGX_INVALID_EINITTOKEN),
    CODE("CPUSVN of the future", token_svn, SGX_INVALID_CPUSVN),
    CODE("MAC", token_mac, SGX_INVALID_EINITTOKEN),
    CODE("key of another KEYID", token_key_id, SGX_INVALID_EINITTOKEN),
    CODE("token for another MRENCLAVE", token_mrenclave, SGX_INVALID_MEASUREMENT),
    CODE("token for another MRSIGNER", token_mrsigner, SGX_INVALID_MEASUREMENT),
    CODE("token for other attributes", token_flags, SGX_INVALID_ATTRIBUTE),
    CODE("token for another XFRM", token_xfrm, SGX_INVALID_ATTRIBUTE),
};

Test(init, every_check_of_a_token_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    prepare_token(&m);
    CHECKS_HOLD(&m, run, token_violations);
    machine_halt(&m);
}

Test(init, every_byte_that_a_token_promises_is_under_its_mac)
{
    struct machine m;
    struct snapshot *ready;

    prepare_token(&m);
    ready = snapshot_take(&m);
    for (size_t i = 48; i < 304; i++) {
        bool reserved = (i >= 96 && i < 128) || (i >= 160 && i < 192) || (i >= 212 && i < 236);
        struct outcome o;

        if (reserved)
            continue;
        ((uint8_t *)m.token)[i] ^= 0x10;
        o = run(&m);
        cr_expect(is_code(o, SGX_INVALID_EINITTOKEN) || is_code(o, SGX_INVALID_CPUSVN),
                  "byte %zu: kind %d code %u", i, (int)o.kind, o.code);
        snapshot_restore(ready, &m);
    }
    snapshot_free(ready);
    machine_halt(&m);
}

Test(init, a_debug_launch_enclave_may_admit_a_debug_enclave)
{
    struct machine m;

    prepare_token(&m);
    secs_of(&m)->attributes.flags |= SGX_ATTR_DEBUG;
    m.token->attributes.flags |= SGX_ATTR_DEBUG;
    m.token->masked_attributes_le.flags |= SGX_ATTR_DEBUG;
    seal_token(&m);
    cr_expect(is_ok(run(&m)));
    machine_halt(&m);
}
