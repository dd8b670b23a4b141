/* SPDX-License-Identifier: Apache-2.0 */
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "aperture/model.h"
#include "arch/arch.h"
#include "device.h"
#include "error.h"

#define WHERE_SIZE 96

/* What the steps of one load share. */
struct load {
    struct loaded made; /* as far as it has come */
    const struct image *image;
    const struct plan *plan;
    struct ap_error *error;
};

/* Memory to add pages from. */
struct source {
    void *start;
    uint64_t size;
};

static int ioctl_again(const struct load *l, unsigned long request, void *argument)
{
    int r;

    do
        r = l->made.os->ioctl(l->made.fd, request, argument);
    while (r == -EINTR);
    return r;
}

static sgx_status_t open_device(struct load *l)
{
    int fd = l->made.os->open(DEVICE_ENCLAVE, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return error_step(l->error, STEP_OPEN, fd, DEVICE_ENCLAVE);
    l->made.fd = fd;
    return SGX_SUCCESS;
}

/* ELRANGE must stand at a multiple of its size: reserve twice as much, keep the part that does. */
static sgx_status_t reserve(struct load *l)
{
    const struct os *os = l->made.os;
    uint64_t size = l->plan->elrange_size, start, end;
    char where[WHERE_SIZE];
    intptr_t r = -ENOMEM;

    if (size <= SIZE_MAX / 2)
        r = os->mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r < 0) {
        snprintf(where, sizeof where, "2 * %llu bytes of addresses", (unsigned long long)size);
        return error_step(l->error, STEP_RESERVE, (int)r, where);
    }
    start = (uint64_t)r;
    end = start + 2 * size;
    l->made.size = size;
    l->made.base = (start + size - 1) & ~(size - 1);
    if (l->made.base > start)
        os->munmap((void *)start, l->made.base - start);
    if (end > l->made.base + size)
        os->munmap((void *)(l->made.base + size), end - (l->made.base + size));
    return SGX_SUCCESS;
}

static sgx_status_t create(struct load *l, bool debug)
{
    _Alignas(4096) struct sgx_secs secs;
    struct sgx_enclave_create args = {.src = (uintptr_t)&secs};
    char where[WHERE_SIZE];
    int r;

    plan_secs(l->image, l->made.base, debug, &secs);
    r = ioctl_again(l, SGX_IOC_ENCLAVE_CREATE, &args);
    if (r >= 0)
        return SGX_SUCCESS;
    snprintf(where, sizeof where, "ELRANGE of %#llx bytes, ATTRIBUTES %#llx, XFRM %#llx",
             (unsigned long long)secs.size, (unsigned long long)secs.attributes.flags,
             (unsigned long long)secs.attributes.xfrm);
    return error_step(l->error, STEP_CREATE, r, where);
}

/* After CREATE, which resets what is permitted, and before INIT, which looks. */
static sgx_status_t permit_provisioning(struct load *l)
{
    const struct os *os = l->made.os;
    struct sgx_enclave_provision args;
    int r, fd;

    if (!(l->image->layout.attributes.flags & SGX_ATTR_PROVISIONKEY))
        return SGX_SUCCESS;
    fd = os->open(DEVICE_PROVISION, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_step(l->error, STEP_PROVISION, fd, DEVICE_PROVISION);
    args.fd = (uint64_t)fd;
    r = ioctl_again(l, SGX_IOC_ENCLAVE_PROVISION, &args);
    os->close(fd);
    return r < 0 ? error_step(l->error, STEP_PROVISION, r, DEVICE_PROVISION) : SGX_SUCCESS;
}

static sgx_status_t source_make(struct load *l, uint64_t size, int prot, struct source *ret_source)
{
    intptr_t r;

    r = l->made.os->mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r < 0)
        return error_step(l->error, STEP_SOURCE, (int)r, "pages to be added");
    *ret_source = (struct source){(void *)r, size};
    return SGX_SUCCESS;
}

static void source_done(struct load *l, struct source *source)
{
    if (source->size)
        l->made.os->munmap(source->start, source->size);
    *source = (struct source){0};
}

/* The kernel stops early for a signal: with 0 and a short count, or with EINTR before any page. */
static int add_bytes(struct load *l, struct sgx_enclave_add_pages *args)
{
    while (args->length > 0) {
        int r;

        args->count = 0;
        r = l->made.os->ioctl(l->made.fd, SGX_IOC_ENCLAVE_ADD_PAGES, args);
        if (r < 0 && r != -EINTR)
            return r;
        if (args->count > args->length || args->count % SGX_PAGE_SIZE)
            return -EPROTO;
        if (r >= 0 && args->count == 0)
            return -EPROTO; /* success without progress would never end */
        args->src += args->count;
        args->offset += args->count;
        args->length -= args->count;
    }
    return 0;
}

static sgx_status_t add_run(struct load *l, const struct plan_run *run, const void *content)
{
    struct sgx_secinfo secinfo = {.flags = run->secinfo};
    struct sgx_enclave_add_pages args = {
        .src = (uintptr_t)content,
        .offset = run->offset,
        .length = run->pages * SGX_PAGE_SIZE,
        .secinfo = (uintptr_t)&secinfo,
        .flags = run->measured ? SGX_PAGE_MEASURE : 0,
    };
    char where[WHERE_SIZE];
    int r = add_bytes(l, &args);

    if (r >= 0)
        return SGX_SUCCESS;
    snprintf(where, sizeof where, "%llu pages from offset %#llx, stopped at %#llx",
             (unsigned long long)run->pages, (unsigned long long)run->offset,
             (unsigned long long)args.offset);
    return error_step(l->error, STEP_ADD_PAGES, r, where);
}

/* The driver wants a page aligned source; content that is not goes through a copy. */
static sgx_status_t add_content(struct load *l, const struct plan_run *run)
{
    struct source copy = {0};
    sgx_status_t status;

    if ((uintptr_t)run->content % SGX_PAGE_SIZE == 0)
        return add_run(l, run, run->content);
    status = source_make(l, run->pages * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE, &copy);
    if (status != SGX_SUCCESS)
        return status;
    memcpy(copy.start, run->content, copy.size);
    status = add_run(l, run, copy.start);
    source_done(l, &copy);
    return status;
}

/* Zeroes that nobody touches cost no memory: the kernel reads its zero page through them. */
static sgx_status_t zeroes_make(struct load *l, struct source *ret_zeroes)
{
    uint64_t most = 0;

    for (size_t i = 0; i < l->plan->run_count; i++) {
        const struct plan_run *run = &l->plan->runs[i];

        if (!run->content && run->pages > most)
            most = run->pages;
    }
    if (most == 0)
        return SGX_SUCCESS;
    return source_make(l, most * SGX_PAGE_SIZE, PROT_READ, ret_zeroes);
}

static sgx_status_t add_pages(struct load *l)
{
    struct source zeroes = {0};
    sgx_status_t status = zeroes_make(l, &zeroes);

    for (size_t i = 0; status == SGX_SUCCESS && i < l->plan->run_count; i++) {
        const struct plan_run *run = &l->plan->runs[i];

        status = run->content ? add_content(l, run) : add_run(l, run, zeroes.start);
    }
    source_done(l, &zeroes);
    return status;
}

static sgx_status_t init(struct load *l)
{
    struct sgx_enclave_init args = {.sigstruct = (uintptr_t)&l->image->sigstruct};
    uint64_t code = 0;
    int r = ioctl_again(l, SGX_IOC_ENCLAVE_INIT, &args);

    if (r >= 0)
        return SGX_SUCCESS;
    if (r == -EPERM && l->made.os->ioctl(l->made.fd, SGX2_MODEL_EINIT_CODE, &code) >= 0)
        return error_einit(l->error, code);
    return error_step(l->error, STEP_INIT, r, "SIGSTRUCT");
}

static bool needs_sgx2(const struct ap_layout *layout)
{
    for (size_t i = 0; i < layout->region_count && i < AP_REGION_MAX; i++) {
        if (layout->region[i].pages > layout->region[i].initial)
            return true;
    }
    return layout->relro_pages > 0;
}

/* An empty range is refused with EINVAL by a driver that knows the ioctl, and changes nothing. */
static sgx_status_t probe_sgx2(struct load *l)
{
    struct sgx_enclave_restrict_permissions nothing = {0};
    int r;

    if (!needs_sgx2(&l->image->layout))
        return SGX_SUCCESS;
    r = ioctl_again(l, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &nothing);
    return r == -EINVAL ? SGX_SUCCESS : error_step(l->error, STEP_PROBE, r, "SGX2");
}

static sgx_status_t map(struct load *l)
{
    for (size_t i = 0; i < l->made.areas.count; i++) {
        const struct area *a = &l->made.areas.area[i];
        void *at = (void *)(l->made.base + a->offset);
        char where[WHERE_SIZE];
        intptr_t r;

        r = l->made.os->mmap(at, a->size, a->prot, MAP_SHARED | MAP_FIXED, l->made.fd, 0);
        if (r == (intptr_t)at)
            continue;
        snprintf(where, sizeof where, "offset %#llx, %#llx bytes, %c%c%c",
                 (unsigned long long)a->offset, (unsigned long long)a->size,
                 a->prot & PROT_READ ? 'r' : '-', a->prot & PROT_WRITE ? 'w' : '-',
                 a->prot & PROT_EXEC ? 'x' : '-');
        return error_step(l->error, STEP_MAP, r < 0 ? (int)r : -EPROTO, where);
    }
    return SGX_SUCCESS;
}

static sgx_status_t build(struct load *l, bool debug)
{
    sgx_status_t status = create(l, debug);

    if (status == SGX_SUCCESS)
        status = permit_provisioning(l);
    if (status == SGX_SUCCESS)
        status = add_pages(l);
    if (status == SGX_SUCCESS)
        status = init(l);
    if (status == SGX_SUCCESS)
        status = probe_sgx2(l);
    if (status == SGX_SUCCESS)
        status = map(l);
    return status;
}

sgx_status_t loader_load(const struct os *os, const struct image *image, const struct plan *plan,
                         bool debug, struct loaded *ret_loaded, struct ap_error *ret_error)
{
    struct load l = {.made.os = os, .image = image, .plan = plan, .error = ret_error};
    sgx_status_t status;
    int r;

    r = areas_make(plan, &image->layout, &l.made.areas);
    if (r < 0)
        return error_say(ret_error,
                         r == -ENOMEM ? SGX_ERROR_OUT_OF_MEMORY : SGX_ERROR_INVALID_ENCLAVE, r,
                         "the layout's areas cannot be mapped: %s; sign again", strerror(-r));
    status = open_device(&l);
    if (status != SGX_SUCCESS)
        goto free_areas;
    status = reserve(&l);
    if (status != SGX_SUCCESS)
        goto close_device;
    status = build(&l, debug);
    if (status != SGX_SUCCESS)
        goto release_range;

    *ret_loaded = l.made;
    return SGX_SUCCESS;

release_range:
    os->munmap((void *)l.made.base, l.made.size);
close_device:
    os->close(l.made.fd);
free_areas:
    areas_free(&l.made.areas);
    return status;
}

void loader_unload(struct loaded *loaded)
{
    loaded->os->munmap((void *)loaded->base, loaded->size);
    loaded->os->close(loaded->fd);
    areas_free(&loaded->areas);
}
