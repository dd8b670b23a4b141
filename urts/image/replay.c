/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - a load plan as the records that MRENCLAVE hashes; see plan.h */
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "arch/measure.h"
#include "image/plan.h"

#define CHUNKS (SGX_PAGE_SIZE / SGX_EEXTEND_SIZE)

/* All records of one page: the piece that a sink gets at once. */
struct page_records {
    struct sgx_measure_eadd eadd;
    struct {
        struct sgx_measure_eextend eextend;
        uint8_t bytes[SGX_EEXTEND_SIZE];
    } chunk[CHUNKS];
};
SGX_STATIC_ASSERT(sizeof(struct page_records) == 64 + 16 * (64 + 256), "records are dense");

/* Enough pages between two calls that progress costs nothing, few enough to look alive. */
#define PROGRESS_PAGES 4096u

struct replay {
    plan_sink *sink;
    void *arg;
    plan_progress *progress;
    void *progress_arg;
    uint64_t done, total; /* pages */
};

static int page_done(struct replay *r, int result)
{
    r->done++;
    if (r->progress && (r->done % PROGRESS_PAGES == 0 || r->done == r->total))
        r->progress(r->progress_arg, r->done, r->total);
    return result;
}

static void eadd_fill(struct sgx_measure_eadd *eadd, uint64_t secinfo)
{
    memset(eadd, 0, sizeof *eadd);
    eadd->tag = SGX_TAG_EADD;
    memcpy(eadd->secinfo, &secinfo, sizeof secinfo);
}

static int replay_unmeasured(struct replay *r, const struct plan_run *run)
{
    struct sgx_measure_eadd eadd;

    eadd_fill(&eadd, run->secinfo);
    for (uint64_t i = 0; i < run->pages; i++) {
        int result;

        eadd.offset = run->offset + i * SGX_PAGE_SIZE;
        result = page_done(r, r->sink(r->arg, &eadd, sizeof eadd));
        if (result < 0)
            return result;
    }
    return 0;
}

static void page_fill(struct page_records *page, uint64_t offset, const uint8_t *content)
{
    page->eadd.offset = offset;
    for (size_t i = 0; i < CHUNKS; i++) {
        page->chunk[i].eextend.offset = offset + i * SGX_EEXTEND_SIZE;
        if (content)
            memcpy(page->chunk[i].bytes, content + i * SGX_EEXTEND_SIZE, SGX_EEXTEND_SIZE);
    }
}

static int replay_measured(struct replay *r, const struct plan_run *run)
{
    struct page_records page;

    memset(&page, 0, sizeof page);
    eadd_fill(&page.eadd, run->secinfo);
    for (size_t i = 0; i < CHUNKS; i++)
        page.chunk[i].eextend.tag = SGX_TAG_EEXTEND;
    for (uint64_t i = 0; i < run->pages; i++) {
        const uint8_t *content = run->content ? run->content + i * SGX_PAGE_SIZE : NULL;
        int result;

        page_fill(&page, run->offset + i * SGX_PAGE_SIZE, content);
        result = page_done(r, r->sink(r->arg, &page, sizeof page));
        if (result < 0)
            return result;
    }
    return 0;
}

int plan_replay(const struct plan *plan, plan_sink *sink, void *arg, plan_progress *progress,
                void *progress_arg)
{
    struct replay r = {sink, arg, progress, progress_arg, 0, 0};
    struct sgx_measure_ecreate ecreate = {
        .tag = SGX_TAG_ECREATE,
        .ssa_frame_size = plan->ssa_frame_size,
        .size = plan->elrange_size,
    };
    int result = sink(arg, &ecreate, sizeof ecreate);

    for (size_t i = 0; i < plan->run_count; i++)
        r.total += plan->runs[i].pages;
    for (size_t i = 0; i < plan->run_count && result >= 0; i++) {
        const struct plan_run *run = &plan->runs[i];

        result = run->measured ? replay_measured(&r, run) : replay_unmeasured(&r, run);
    }
    return result < 0 ? result : 0;
}

static int hash_sink(void *arg, const void *bytes, size_t size)
{
    return EVP_DigestUpdate(arg, bytes, size) == 1 ? 0 : -EIO;
}

int plan_measure(const struct plan *plan, uint8_t ret_mrenclave[static 32], plan_progress *progress,
                 void *progress_arg)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    uint8_t digest[32];
    int r = -ENOMEM;

    if (hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1)
        r = plan_replay(plan, hash_sink, hash, progress, progress_arg);
    if (r == 0 && EVP_DigestFinal_ex(hash, digest, NULL) != 1)
        r = -EIO;
    EVP_MD_CTX_free(hash);
    if (r == 0)
        memcpy(ret_mrenclave, digest, sizeof digest);
    return r;
}
