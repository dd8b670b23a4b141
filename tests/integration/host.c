/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include "aperture/counters.h"
#include "image/plan.h"

const char *const basic_file = BASIC_FILE;
const char *const basic_unsigned = BASIC_UNSIGNED;
const char *const heap39_file = HEAP39_FILE;
const char *const production_file = PRODUCTION_FILE;

struct host host;
uint64_t host_notes, host_last_note;

/* ------------------------------------------------------------------ creation */

static void read_layout(const char *path)
{
    struct image_error error;
    struct image image;

    cr_assert_eq(image_open(path, &image, &error), 0, "%s", error.text);
    host.layout = image.layout;
    image_close(&image);
}

sgx_status_t host_create(const char *path, const struct ap_options *options)
{
    static const struct ap_options model = {.device = AP_DEVICE_MODEL};
    sgx_status_t status;

    memset(&host, 0, sizeof host);
    status = ap_enclave_create(path, options ? options : &model, &host.enclave, &host.error);
    if (status != SGX_SUCCESS) {
        host.enclave = NULL;
        return status;
    }
    read_layout(path);
    host.fd = ap_enclave_fd(host.enclave);
    host.base = (uint64_t)(uintptr_t)ap_enclave_base(host.enclave);
    host.size = ap_enclave_size(host.enclave);
    return SGX_SUCCESS;
}

void host_open(void)
{
    cr_assert_eq(host_create(basic_file, NULL), SGX_SUCCESS, "%s", host.error.text);
}

void host_close(void)
{
    ap_enclave_destroy(host.enclave);
    host.enclave = NULL;
}

/* ------------------------------------------------------------------ ocalls */

static sgx_status_t recurse(void *ms)
{
    return host_ecall(BASIC_RECURSE, ms);
}

static sgx_status_t note(void *ms)
{
    host_notes++;
    host_last_note = ((const struct basic_note *)ms)->number;
    return SGX_SUCCESS;
}

ap_ocall_fn *host_on_recurse = recurse, *host_on_note = note, *host_on_strict = note;

static sgx_status_t call_recurse(void *ms)
{
    return host_on_recurse(ms);
}

static sgx_status_t call_note(void *ms)
{
    return host_on_note(ms);
}

static sgx_status_t call_strict(void *ms)
{
    return host_on_strict(ms);
}

static ap_ocall_fn *const functions[BASIC_OCALL_COUNT] = {
    [BASIC_OCALL_RECURSE] = call_recurse,
    [BASIC_OCALL_NOTE] = call_note,
    [BASIC_OCALL_STRICT] = call_strict,
};

const struct ap_ocall_table host_ocalls = {BASIC_OCALL_COUNT, functions};

/* ------------------------------------------------------------------ ecalls */

sgx_status_t host_ecall(int index, void *ms)
{
    return ap_ecall(host.enclave, index, &host_ocalls, ms);
}

void host_must(int index, void *ms)
{
    sgx_status_t status = host_ecall(index, ms);

    cr_assert_eq(status, SGX_SUCCESS, "ecall %d: %#x %s", index, status,
                 ap_enclave_crash(host.enclave));
}

static struct basic_exception access_at(int index, uint64_t address, uint64_t *value)
{
    struct basic_access ms = {.address = address, .value = *value};

    host_must(index, &ms);
    *value = ms.value;
    return ms.exception;
}

struct basic_exception host_peek(uint64_t address, uint64_t *ret_value)
{
    uint64_t value = 0;

    return access_at(BASIC_PEEK, address, ret_value ? ret_value : &value);
}

struct basic_exception host_poke(uint64_t address, uint64_t value)
{
    return access_at(BASIC_POKE, address, &value);
}

struct basic_exception host_execute(uint64_t address)
{
    uint64_t value = 0;

    return access_at(BASIC_EXECUTE, address, &value);
}

struct basic_commit host_commit(const char *region, uint64_t first, uint64_t pages)
{
    struct basic_commit ms = {.first = first, .pages = pages};

    strncpy(ms.region, region, sizeof ms.region - 1);
    host_must(BASIC_COMMIT, &ms);
    return ms;
}

struct basic_publish host_publish(uint64_t pages, uint64_t value)
{
    struct basic_publish ms = {.region = "jit", .pages = pages, .value = value};

    host_must(BASIC_PUBLISH, &ms);
    return ms;
}

void host_check_sane(void)
{
    struct basic_add ms = {.a = 40, .b = 2};

    host_must(BASIC_ADD, &ms);
    cr_assert_eq(ms.sum, 42);
}

/* ------------------------------------------------------------------ what a host knows */

uint64_t host_tcs(unsigned slot)
{
    const struct ap_slots *s = &host.layout.slots;

    return host.base + s->offset + slot * s->slot_size + s->tcs_offset;
}

const struct ap_region *layout_region(const struct ap_layout *layout, const char *name)
{
    for (uint32_t i = 0; i < layout->region_count; i++)
        if (strcmp(layout->region[i].name, name) == 0)
            return &layout->region[i];
    cr_assert_fail("no region is called %s", name);
    return NULL;
}

const struct ap_region *host_region(const char *name)
{
    return layout_region(&host.layout, name);
}

uint64_t host_dynamic(const char *region, uint64_t page)
{
    const struct ap_region *r = host_region(region);

    return r->offset + (r->initial + page) * PAGE;
}

struct sgx2_counters host_counters(void)
{
    struct sgx2_counters counters;

    cr_assert_eq(sgx2_counters_read(host.fd, &counters), 0);
    return counters;
}

struct sgx2_epcm_query host_epcm(uint64_t offset)
{
    struct sgx2_epcm_query query = {.offset = offset};

    cr_assert_eq(os_model()->ioctl(host.fd, SGX2_MODEL_EPCM, &query), 0);
    return query;
}

struct basic_addresses host_addresses(void)
{
    struct basic_addresses ms;

    host_must(BASIC_ADDRESSES, &ms);
    return ms;
}

static void act(struct sgx2_hostile hostile)
{
    int r = os_model()->ioctl(host.fd, SGX2_MODEL_HOSTILE, &hostile);

    cr_assert_eq(r, 0, "hostile act %llu at %#llx: %d, code %llu", (unsigned long long)hostile.act,
                 (unsigned long long)hostile.offset, r, (unsigned long long)hostile.code);
}

void host_act(enum sgx2_hostile_act what, uint64_t offset, uint64_t value)
{
    act((struct sgx2_hostile){.act = what, .offset = offset, .value = value});
}

void host_interrupt(uint64_t after, uint64_t vector)
{
    act((struct sgx2_hostile){.act = SGX2_HOSTILE_INTERRUPT, .value = after, .vector = vector});
}
