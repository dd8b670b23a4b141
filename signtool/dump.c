/* SPDX-License-Identifier: Apache-2.0 */
/* dump.c - ap-sign dump: a signed file, for people */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "image/plan.h"
#include "image/policy.h"
#include "say.h"
#include "sigstruct.h"

#define FIELD "%-20s "

static void print_sigstruct(const struct sgx_sigstruct *s)
{
    puts("SIGSTRUCT");
    say_hex("HEADER", s->header, sizeof s->header);
    printf(FIELD "0x%x\n", "VENDOR", s->vendor);
    printf(FIELD "%08x\n", "DATE", s->date);
    say_hex("HEADER2", s->header2, sizeof s->header2);
    printf(FIELD "0x%08x\n", "SWDEFINED", s->swdefined);
    say_hex("MODULUS", s->modulus, sizeof s->modulus);
    printf(FIELD "%u\n", "EXPONENT", s->exponent);
    say_hex("SIGNATURE", s->signature, sizeof s->signature);
    printf(FIELD "0x%x\n", "MISCSELECT", s->miscselect);
    printf(FIELD "0x%x\n", "MISCMASK", s->miscmask);
    printf(FIELD "0x%x\n", "CET_ATTRIBUTES", s->cet_attributes);
    printf(FIELD "0x%x\n", "CET_ATTRIBUTES_MASK", s->cet_attributes_mask);
    say_hex("ISVFAMILYID", s->isv_family_id, sizeof s->isv_family_id);
    printf(FIELD "0x%" PRIx64 "\n", "ATTRIBUTES.FLAGS", s->attributes.flags);
    printf(FIELD "0x%" PRIx64 "\n", "ATTRIBUTES.XFRM", s->attributes.xfrm);
    printf(FIELD "0x%" PRIx64 "\n", "ATTRIBUTEMASK.FLAGS", s->attribute_mask.flags);
    printf(FIELD "0x%" PRIx64 "\n", "ATTRIBUTEMASK.XFRM", s->attribute_mask.xfrm);
    say_hex("ENCLAVEHASH", s->enclave_hash, sizeof s->enclave_hash);
    say_hex("ISVEXTPRODID", s->isv_ext_prod_id, sizeof s->isv_ext_prod_id);
    printf(FIELD "%u\n", "ISVPRODID", s->isv_prod_id);
    printf(FIELD "%u\n", "ISVSVN", s->isv_svn);
    say_hex("Q1", s->q1, sizeof s->q1);
    say_hex("Q2", s->q2, sizeof s->q2);
}

static const char *perm_text(unsigned perm)
{
    static const char *const text[] = {"---", "R--", "-W-", "RW-", "--X", "R-X", "-WX", "RWX"};

    return text[perm & 7];
}

static void print_layout(const struct ap_layout *l)
{
    puts("\nLAYOUT");
    printf(FIELD "0x%" PRIx64 "\n", "ELRANGE", l->elrange_size);
    printf(FIELD "0x%" PRIx64 "\n", "image", l->image_size);
    printf(FIELD "0x%" PRIx64 "\n", "entry", l->entry);
    printf(FIELD "%" PRIu64 " of 0x%" PRIx64 " bytes, stack 0x%" PRIx64 ", SSA %u x %u pages\n",
           "thread slots", l->slots.slot_count, l->slots.slot_size, l->slots.stack_size,
           l->slots.nssa, l->slots.ssa_frame_size);
    printf(FIELD "0x%" PRIx64 " bytes, aligned to 0x%" PRIx64 "\n", "TLS", l->tls_size,
           l->tls_align);
    printf("\nAPERTURE\n%-24s %14s %12s %12s  max  policy\n", "region", "offset", "pages",
           "initial");
    for (uint32_t i = 0; i < l->region_count; i++) {
        const struct ap_region *r = &l->region[i];

        printf("%-24s %#14" PRIx64 " %12" PRIu64 " %12" PRIu64 "  %s  %s\n", r->name, r->offset,
               r->pages, r->initial, perm_text(r->max_perm), policy_name(r->policy));
    }
}

static void print_summary(uint32_t swdefined)
{
    static const char *const words[] = {
        [AP_POLICY_NONE] = "Nothing about this enclave's memory can change after it is loaded.",
        [AP_POLICY_DATA] = "Memory can grow, but none of it can ever become executable: this "
                           "enclave runs only code that is in the file.",
        [AP_POLICY_PUBLISH] = "Code can be published while the enclave runs: pages are born "
                              "executable and can never be written.",
        [AP_POLICY_TOGGLE] = "Pages can change between writable and executable while the enclave "
                             "runs, but are never both.",
        [AP_POLICY_RWX] = "Pages can be WRITABLE AND EXECUTABLE AT ONCE.",
    };
    unsigned policy = AP_SUMMARY_POLICY(swdefined);
    unsigned pages = AP_SUMMARY_EXEC_PAGES(swdefined);

    puts("\nSUMMARY");
    puts(policy <= AP_POLICY_RWX ? words[policy] : "SWDEFINED names a policy that does not exist.");
    if (pages)
        printf("%s%u pages (%" PRIu64 " KiB) may hold code that is not in this file.\n",
               pages == AP_SUMMARY_EXEC_MAX ? "At least " : "Up to ", pages,
               (uint64_t)pages * SGX_PAGE_SIZE / 1024);
}

static void print_plan(const struct plan *plan)
{
    printf("\nLOAD PLAN\n%14s %10s  type  perm content  measured\n", "offset", "pages");
    for (size_t i = 0; i < plan->run_count; i++) {
        const struct plan_run *r = &plan->runs[i];
        bool tcs = (r->secinfo & SGX_SECINFO_PT_MASK) == SGX_SECINFO_TCS;

        printf("%#14" PRIx64 " %10" PRIu64 "  %-4s  %s  %-7s  %s\n", r->offset, r->pages,
               tcs ? "TCS" : "REG", perm_text((unsigned)(r->secinfo & SGX_SECINFO_RWX)),
               tcs          ? "made"
               : r->content ? "file"
                            : "zero",
               r->measured ? "yes" : "no");
    }
}

static int compare(const struct image *image, const uint8_t mrenclave[static 32], struct failure *f)
{
    const struct sgx_sigstruct *s = &image->sigstruct;
    const struct ap_layout *l = &image->layout;

    if (memcmp(mrenclave, s->enclave_hash, sizeof s->enclave_hash) != 0)
        return fail(f, "the file does not measure to ENCLAVEHASH: it was changed after signing");
    if (memcmp(&s->attributes, &l->attributes, sizeof l->attributes) != 0 ||
        memcmp(&s->attribute_mask, &l->attribute_mask, sizeof l->attribute_mask) != 0 ||
        s->miscselect != l->miscselect || s->miscmask != l->miscmask)
        return fail(f, "the SIGSTRUCT and the layout page disagree about ATTRIBUTES or MISCSELECT");
    if (s->swdefined != aperture_summary(l))
        return fail(f, "SWDEFINED is not the summary of the layout page");
    return sigstruct_verify(s, f);
}

/* What the processor would find out, found out here. */
static int judge(const char *path, const struct image *image, const struct plan *plan)
{
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
    struct failure f;
    int r = 0;

    if (plan_measure(plan, mrenclave, say_progress, "measuring") < 0 ||
        sigstruct_mrsigner(&image->sigstruct, mrsigner, &f) < 0) {
        say_error("libcrypto could not measure the enclave");
        return -1;
    }
    puts("\nIDENTITY");
    say_hex("MRENCLAVE", mrenclave, sizeof mrenclave);
    say_hex("MRSIGNER", mrsigner, sizeof mrsigner);
    r = compare(image, mrenclave, &f);
    printf(FIELD "%s\n", "verdict",
           r == 0 ? "measurement, signature and summary agree" : "REFUSED");
    fflush(stdout);
    if (r < 0)
        say_error("%s: %s", path, f.text);
    return r;
}

int command_dump(const char *path)
{
    struct image image = {0};
    struct plan plan = {0};
    struct image_error error;
    int r = image_open(path, &image, &error);

    if (r == 0 && !image_is_signed(&image)) {
        say_error("%s: is not signed", path);
        image_close(&image);
        return EXIT_FAILURE;
    }
    if (r == 0)
        r = plan_make(&image, &plan, &error);
    if (r < 0) {
        say_error("%s", error.text);
        image_close(&image);
        return EXIT_FAILURE;
    }
    print_sigstruct(&image.sigstruct);
    print_layout(&image.layout);
    print_summary(image.sigstruct.swdefined);
    print_plan(&plan);
    r = judge(path, &image, &plan);
    plan_free(&plan);
    image_close(&image);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
