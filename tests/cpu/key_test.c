/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"
#include "cpu/derive.h"

/* KEYREQUEST at the start of DATA_PAGE, the key at 0x10 in DATA2_PAGE. */
#define REQUEST_OF(m) ((struct sgx_key_request *)content_of(m, DATA_PAGE))
#define REQUEST       REQUEST_OF(m)
#define KEY_OFFSET    0x10

COMMIT_REGISTER(rbx)
COMMIT_PAGE(rbx, DATA_PAGE)
COMMIT_REGISTER(rcx)
COMMIT_PAGE(rcx, DATA2_PAGE)
COMMIT(reserved_word, REQUEST->reserved0 = 1)
COMMIT(reserved_first, REQUEST->reserved1[0] = 1)
COMMIT(reserved_last, REQUEST->reserved1[433] = 1)
COMMIT(policy_low, REQUEST->key_policy |= 0x40)
COMMIT(policy_high, REQUEST->key_policy |= 0x8000)
COMMIT(cpu_svn, REQUEST->cpu_svn[15] = 8)
COMMIT(isv_svn, REQUEST->isv_svn = 6)
COMMIT(config_svn, REQUEST->config_svn = 5)
COMMIT(no_kss, secs_of(m)->attributes.flags &= ~SGX_ATTR_KSS; REQUEST->config_svn = 1)
COMMIT(no_kss_no_prod, secs_of(m)->attributes.flags &= ~SGX_ATTR_KSS; REQUEST->key_policy |= 4)
COMMIT(no_kss_config, secs_of(m)->attributes.flags &= ~SGX_ATTR_KSS; REQUEST->key_policy |= 8)
COMMIT(no_kss_family, secs_of(m)->attributes.flags &= ~SGX_ATTR_KSS; REQUEST->key_policy |= 0x10)
COMMIT(no_kss_ext_prod, secs_of(m)->attributes.flags &= ~SGX_ATTR_KSS; REQUEST->key_policy |= 0x20)
COMMIT(no_provision, secs_of(m)->attributes.flags &= ~SGX_ATTR_PROVISIONKEY)
COMMIT(no_token_key, secs_of(m)->attributes.flags &= ~SGX_ATTR_EINITTOKENKEY)
COMMIT(key_name, REQUEST->key_name = 5)

#define OPERAND_ROWS                                                                               \
    RANGE_ROWS(rbx), READ_ROWS(rbx, RBX, 0), READABLE_ROWS(rbx, RBX, 0), RANGE_ROWS(rcx),          \
        WRITE_ROWS(rcx, RCX, 0), WRITABLE_ROWS(rcx, RCX, 0), GP("reserved word", reserved_word),   \
        GP("first reserved byte", reserved_first), GP("last reserved byte", reserved_last),        \
        GP("reserved policy, low", policy_low), GP("reserved policy, high", policy_high),          \
        GP("CONFIGSVN without KSS", no_kss), GP("NOISVPRODID without KSS", no_kss_no_prod),        \
        GP("CONFIGID without KSS", no_kss_config), GP("ISVFAMILYID without KSS", no_kss_family),   \
        GP("ISVEXTPRODID without KSS", no_kss_ext_prod)

#define VERSION_ROWS                                                                               \
    CODE("CPUSVN of the future", cpu_svn, SGX_INVALID_CPUSVN),                                     \
        CODE("ISVSVN of the future", isv_svn, SGX_INVALID_ISVSVN)

static const struct violation seal_violations[] = {
    OPERAND_ROWS,
    CODE("no such key", key_name, SGX_INVALID_KEYNAME),
    VERSION_ROWS,
    CODE("CONFIGSVN of the future", config_svn, SGX_INVALID_ISVSVN),
};

static const struct violation provision_violations[] = {
    CODE("no such key", key_name, SGX_INVALID_KEYNAME),
    CODE("without PROVISIONKEY", no_provision, SGX_INVALID_ATTRIBUTE),
    VERSION_ROWS,
};

static const struct violation token_violations[] = {
    CODE("no such key", key_name, SGX_INVALID_KEYNAME),
    CODE("without EINITTOKENKEY", no_token_key, SGX_INVALID_ATTRIBUTE),
    VERSION_ROWS,
};

/* An enclave that may have every key, with something in every field that a key may depend on. */
static void enter(struct machine *m)
{
    machine_boot(m);
    m->secs.attributes.flags |=
        SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKENKEY | SGX_ATTR_KSS | SGX_ATTR_DEBUG;
    m->secs.config_svn = 4;
    memset(m->secs.config_id, 0xc1, sizeof m->secs.config_id);
    machine_build(m);
    prepare_sigstruct(m);
    memset(m->sig->isv_family_id, 0xf1, 16);
    memset(m->sig->isv_ext_prod_id, 0xe1, 16);
    sign(m->sig);
    cr_assert(is_ok(einit(m)));
    cr_assert(is_ok(eenter(m, TCS_PAGE)));
}

static void ask(struct machine *m, enum sgx_key_name name, unsigned policy)
{
    *REQUEST_OF(m) = (struct sgx_key_request){
        .key_name = (uint16_t)name,
        .key_policy = (uint16_t)policy,
        .isv_svn = 3,
        .cpu_svn = {6, 6, 6},
        .attribute_mask = {SGX_ATTR_KSS, SGX_XFRM_SSE},
        .key_id = {0xaa},
        .miscmask = SGX_MISC_EXINFO,
        .config_svn = 2,
    };
    m->cpu.r.rbx = linear_of(DATA_PAGE);
    m->cpu.r.rcx = linear_of(DATA2_PAGE) + KEY_OFFSET;
}

static struct sgx_key derive(struct machine *m)
{
    struct sgx_key key;

    cr_assert(is_ok(enclu(m, SGX_EGETKEY)));
    memcpy(&key, (uint8_t *)content_of(m, DATA2_PAGE) + KEY_OFFSET, sizeof key);
    return key;
}

Test(key, every_check_of_egetkey_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    enter(&m);
    ask(&m, SGX_KEY_SEAL, 0);
    ENCLU_CHECKS_HOLD(&m, SGX_EGETKEY, seal_violations);
    ask(&m, SGX_KEY_PROVISION, 0);
    ENCLU_CHECKS_HOLD(&m, SGX_EGETKEY, provision_violations);
    ask(&m, SGX_KEY_PROVISION_SEAL, 0);
    ENCLU_CHECKS_HOLD(&m, SGX_EGETKEY, provision_violations);
    ask(&m, SGX_KEY_EINITTOKEN, 0);
    ENCLU_CHECKS_HOLD(&m, SGX_EGETKEY, token_violations);
    machine_halt(&m);
}

Test(key, only_a_seal_key_is_refused_for_its_configsvn)
{
    struct machine m;

    enter(&m);
    ask(&m, SGX_KEY_PROVISION_SEAL, SGX_KEYPOLICY_CONFIGID);
    REQUEST_OF(&m)->config_svn = 0xffff;
    derive(&m);
    ask(&m, SGX_KEY_SEAL, SGX_KEYPOLICY_CONFIGID);
    REQUEST_OF(&m)->config_svn = 4;
    derive(&m);
    REQUEST_OF(&m)->config_svn = 5;
    cr_expect(is_code(enclu(&m, SGX_EGETKEY), SGX_INVALID_ISVSVN));
    machine_halt(&m);
}

Test(key, the_report_key_ignores_versions)
{
    struct machine m;

    enter(&m);
    ask(&m, SGX_KEY_REPORT, 0);
    REQUEST_OF(&m)->isv_svn = 0xffff;
    REQUEST_OF(&m)->config_svn = 0xffff;
    memset(REQUEST_OF(&m)->cpu_svn, 0xff, 16);
    derive(&m);
    machine_halt(&m);
}

Test(key, sixteen_bytes_are_written_and_no_more)
{
    struct machine m;
    uint8_t before[PAGE], *after;

    enter(&m);
    ask(&m, SGX_KEY_SEAL, 0);
    after = content_of(&m, DATA2_PAGE);
    memcpy(before, after, PAGE);
    derive(&m);
    cr_expect_neq(memcmp(before + KEY_OFFSET, after + KEY_OFFSET, 16), 0);
    memcpy(before + KEY_OFFSET, after + KEY_OFFSET, 16);
    cr_expect_eq(memcmp(before, after, PAGE), 0);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ what a key depends on */

COMMIT(change_family, m->state.isv_family_id[0] = 1)
COMMIT(change_ext_prod, m->state.isv_ext_prod_id[0] = 1)
COMMIT(change_prod, secs_of(m)->isv_prod_id = 1)
COMMIT(change_isv_svn, REQUEST->isv_svn = 2)
COMMIT(change_own_isv_svn, secs_of(m)->isv_svn = 9)
COMMIT(change_owner, m->platform.owner_epoch[0] = 1)
COMMIT(change_debug, secs_of(m)->attributes.flags &= ~SGX_ATTR_DEBUG)
COMMIT(change_init, secs_of(m)->attributes.flags &= ~SGX_ATTR_INIT)
COMMIT(change_masked_xfrm, secs_of(m)->attributes.xfrm &= ~SGX_XFRM_SSE)
COMMIT(change_unmasked_flag, secs_of(m)->attributes.flags &= ~SGX_ATTR_MODE64BIT)
COMMIT(change_unmasked_xfrm, secs_of(m)->attributes.xfrm |= SGX_XFRM_PKRU)
COMMIT(change_flags_mask, REQUEST->attribute_mask.flags |= SGX_ATTR_AEXNOTIFY)
COMMIT(change_xfrm_mask, REQUEST->attribute_mask.xfrm |= SGX_XFRM_AMX)
COMMIT(change_mrenclave, secs_of(m)->mrenclave[31] ^= 1)
COMMIT(change_mrsigner, secs_of(m)->mrsigner[31] ^= 1)
COMMIT(change_key_id, REQUEST->key_id[31] = 1)
COMMIT(change_cpu_svn, REQUEST->cpu_svn[15] = 1)
COMMIT(change_own_cpu_svn, m->platform.cpu_svn[15] = 9)
COMMIT(change_padding, m->state.padding[0] = 1)
COMMIT(change_masked_misc, secs_of(m)->miscselect = 0)
COMMIT(change_unmasked_misc, secs_of(m)->miscselect |= 2)
COMMIT(change_misc_mask, REQUEST->miscmask |= 0x80)
COMMIT(change_config_id, secs_of(m)->config_id[0] = 1)
COMMIT(change_config_svn, REQUEST->config_svn = 1)
COMMIT(change_own_config_svn, secs_of(m)->config_svn = 9)
COMMIT(change_policy, REQUEST->key_policy ^= SGX_KEYPOLICY_MRENCLAVE)
COMMIT(change_secret, m->platform.secret[15] ^= 1)

/*
 * The columns: S and V are SEAL and PROVISION_SEAL with every policy bit but NOISVPRODID, s and v
 * with that bit alone, and the digits have one other bit each.
 */
static const struct {
    char letter;
    enum sgx_key_name name;
    unsigned policy;
} columns[] = {
    {'S', SGX_KEY_SEAL, 0x3b},
    {'s', SGX_KEY_SEAL, SGX_KEYPOLICY_NOISVPRODID},
    {'R', SGX_KEY_REPORT, 0},
    {'T', SGX_KEY_EINITTOKEN, 0},
    {'P', SGX_KEY_PROVISION, 0},
    {'V', SGX_KEY_PROVISION_SEAL, 0x3b},
    {'v', SGX_KEY_PROVISION_SEAL, SGX_KEYPOLICY_NOISVPRODID},
    {'0', SGX_KEY_SEAL, SGX_KEYPOLICY_MRENCLAVE},
    {'1', SGX_KEY_SEAL, SGX_KEYPOLICY_MRSIGNER},
    {'2', SGX_KEY_SEAL, SGX_KEYPOLICY_CONFIGID},
    {'3', SGX_KEY_SEAL, SGX_KEYPOLICY_ISVFAMILYID},
    {'4', SGX_KEY_SEAL, SGX_KEYPOLICY_ISVEXTPRODID},
    {'5', SGX_KEY_PROVISION_SEAL, SGX_KEYPOLICY_CONFIGID},
    {'6', SGX_KEY_PROVISION_SEAL, SGX_KEYPOLICY_ISVFAMILYID},
    {'7', SGX_KEY_PROVISION_SEAL, SGX_KEYPOLICY_ISVEXTPRODID},
    {'8', SGX_KEY_PROVISION_SEAL, SGX_KEYPOLICY_MRENCLAVE | SGX_KEYPOLICY_MRSIGNER},
};

static const struct {
    const char *input;
    void (*change)(struct machine *m);
    const char *keys; /* the columns that depend on it */
} table[] = {
    {"ISVFAMILYID", change_family, "SV36"},
    {"ISVEXTPRODID", change_ext_prod, "SV47"},
    {"ISVPRODID", change_prod, "STPV012345678"},
    {"requested ISVSVN", change_isv_svn, "SsTPVv012345678"},
    {"current ISVSVN", change_own_isv_svn, ""},
    {"owner epoch", change_owner, "SsRT01234"},
    {"DEBUG, masked or not", change_debug, "SsRTPVv012345678"},
    {"INIT, masked or not", change_init, "SsRTPVv012345678"},
    {"XFRM under the mask", change_masked_xfrm, "SsRTPVv012345678"},
    {"attributes not under the mask", change_unmasked_flag, "R"},
    {"XFRM not under the mask", change_unmasked_xfrm, "R"},
    {"ATTRIBUTEMASK itself", change_flags_mask, "SsPVv012345678"},
    {"ATTRIBUTEMASK.XFRM itself", change_xfrm_mask, "SsPVv012345678"},
    {"MRENCLAVE", change_mrenclave, "SR0"},
    {"MRSIGNER", change_mrsigner, "STPVv15678"},
    {"KEYID", change_key_id, "SsRT01234"},
    {"requested CPUSVN", change_cpu_svn, "SsTPVv012345678"},
    {"current CPUSVN", change_own_cpu_svn, "R"},
    {"padding", change_padding, "SsTPVv012345678"},
    {"MISCSELECT under the mask", change_masked_misc, "SsRTPVv012345678"},
    {"MISCSELECT not under the mask", change_unmasked_misc, "R"},
    {"MISCMASK itself", change_misc_mask, "SsPVv012345678"},
    {"CONFIGID", change_config_id, "SRV25"},
    {"requested CONFIGSVN", change_config_svn, "SV25"},
    {"current CONFIGSVN", change_own_config_svn, "R"},
    {"KEYPOLICY", change_policy, "SsVv012345678"},
    {"the platform's secret", change_secret, "SsRTPVv012345678"},
};

Test(key, each_key_depends_on_exactly_the_inputs_of_the_manual)
{
    struct machine m;
    struct snapshot *inside;

    enter(&m);
    inside = snapshot_take(&m);
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
        struct sgx_key key, other;

        snapshot_restore(inside, &m);
        ask(&m, columns[c].name, columns[c].policy);
        key = derive(&m);
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
            bool depends = strchr(table[i].keys, columns[c].letter) != NULL;

            snapshot_restore(inside, &m);
            ask(&m, columns[c].name, columns[c].policy);
            table[i].change(&m);
            other = derive(&m);
            cr_expect_eq(memcmp(&key, &other, sizeof key) != 0, depends, "%s in column %c",
                         table[i].input, columns[c].letter);
        }
    }
    snapshot_free(inside);
    machine_halt(&m);
}

/* Keys put together by hand from the manual's table. */
Test(key, fuses_and_padding_enter_where_the_manual_says)
{
    struct machine m;
    struct key_inputs seal = {
        .key_name = SGX_KEY_SEAL,
        .isv_prod_id = 0x1234,
        .isv_svn = 3,
        .seal_fuses = 1,
        .miscselect = SGX_MISC_EXINFO,
        .miscmask = ~SGX_MISC_EXINFO,
        .attributes = {SGX_ATTR_INIT | SGX_ATTR_DEBUG | SGX_ATTR_KSS, SGX_XFRM_SSE},
        .attribute_mask = {SGX_ATTR_KSS, SGX_XFRM_SSE},
        .cpu_svn = {6, 6, 6},
        .key_id = {0xaa},
    };
    struct key_inputs provision_seal = seal, provision;
    struct sgx_key key;
    uint8_t expected[16];

    enter(&m);
    memset(seal.owner_epoch, 0x52, 16);
    cpu_pkcs_padding(seal.padding);
    ask(&m, SGX_KEY_SEAL, 0);
    key = derive(&m);
    cr_assert(cpu_derive(&m.platform, &seal, expected));
    cr_expect_arr_eq(key.bytes, expected, 16);

    provision_seal.key_name = SGX_KEY_PROVISION_SEAL;
    memset(provision_seal.key_id, 0, 32);
    memcpy(provision_seal.mrsigner, secs_of(&m)->mrsigner, 32);
    cpu_pkcs_padding(provision_seal.padding);
    ask(&m, SGX_KEY_PROVISION_SEAL, 0);
    key = derive(&m);
    cr_assert(cpu_derive(&m.platform, &provision_seal, expected));
    cr_expect_arr_eq(key.bytes, expected, 16);

    provision = provision_seal;
    provision.key_name = SGX_KEY_PROVISION;
    provision.seal_fuses = 0;
    ask(&m, SGX_KEY_PROVISION, 0);
    key = derive(&m);
    cr_assert(cpu_derive(&m.platform, &provision, expected));
    cr_expect_arr_eq(key.bytes, expected, 16);
    machine_halt(&m);
}

Test(key, each_name_and_each_policy_is_a_key_of_its_own)
{
    struct machine m;
    struct sgx_key keys[5 + 64];
    size_t count = 0;

    enter(&m);
    for (unsigned name = 0; name < 5; name++) {
        ask(&m, name, 0);
        keys[count++] = derive(&m);
    }
    for (unsigned policy = 1; policy < 64; policy++) {
        ask(&m, SGX_KEY_SEAL, policy);
        keys[count++] = derive(&m);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++)
            cr_expect_neq(memcmp(&keys[i], &keys[j], sizeof keys[i]), 0, "%zu and %zu", i, j);
    }
    machine_halt(&m);
}

Test(key, the_token_key_is_the_one_that_einit_checks_with)
{
    struct machine m;
    struct sgx_key key;

    /* The launch enclave makes a token for the enclave that sign() signs. */
    enter(&m);
    ask(&m, SGX_KEY_EINITTOKEN, 0);
    REQUEST_OF(&m)->attribute_mask = (struct sgx_attributes){~UINT64_C(0), ~UINT64_C(0)};
    REQUEST_OF(&m)->miscmask = ~UINT32_C(0);
    key = derive(&m);
    *m.token = (struct sgx_einittoken){
        .valid = 1,
        .isv_prod_id_le = secs_of(&m)->isv_prod_id,
        .isv_svn_le = 3,
        .masked_miscselect_le = secs_of(&m)->miscselect,
        .masked_attributes_le = secs_of(&m)->attributes,
        .key_id = {0xaa},
        .cpu_svn_le = {6, 6, 6},
        .attributes = {SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG, 7},
    };
    cr_assert(is_ok(eexit(&m)));
    for (unsigned page = 0; page < FREE_PAGE; page++)
        cr_assert(is_ok(cpu_eremove(&m.epc, epc_of(&m, page))));
    cr_assert(is_ok(cpu_eremove(&m.epc, epc_address(&m.epc, SECS_FRAME))));

    m.secs.attributes = m.token->attributes;
    m.secs.config_svn = 0;
    memset(m.secs.config_id, 0, sizeof m.secs.config_id);
    machine_build(&m);
    prepare_sigstruct(&m);
    sign(m.sig);
    memcpy(m.token->mrenclave, m.sig->enclave_hash, 32);
    memcpy(m.token->mrsigner, m.platform.le_pubkey_hash, 32); /* one author for both here */
    cr_expect(is_code(einit(&m), SGX_INVALID_EINITTOKEN));
    cr_assert(cpu_cmac(key.bytes, m.token, SGX_TOKEN_MACED_SIZE, m.token->mac));
    cr_expect(is_ok(einit(&m)));
    machine_halt(&m);
}
