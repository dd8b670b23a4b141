/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - the test enclave on the model, and what a host knows about it
 *
 * A test process has one enclave at a time in `host`. The model is used whatever the environment
 * says, so that the counters and the hostile acts are there.
 */
#ifndef TESTS_INTEGRATION_HOST_H
#define TESTS_INTEGRATION_HOST_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "abi/layout.h"
#include "aperture/model.h"
#include "aperture/urts.h"
#include "arch/arch.h"
#include "arch/leaf.h"
#include "arch/secinfo.h"
#include "arch/ssa.h"
#include "basic/ecalls.h"
#include "os.h"

#define PAGE SGX_PAGE_SIZE

/* Signed by the build. */
extern const char *const basic_file;      /* tests/enclaves/basic */
extern const char *const basic_unsigned;  /* the same before signing */
extern const char *const heap39_file;     /* exactly 39 pages of heap */
extern const char *const production_file; /* DisableDebug, another author's key */

struct host {
    struct ap_enclave *enclave;
    struct ap_error error; /* of a creation that failed */
    struct ap_layout layout;
    int fd;
    uint64_t base, size;
};
extern struct host host;

/* Criterion's .init and .fini. */
void host_open(void);
void host_close(void);

/* What ap_enclave_create() says; on success the rest of `host` is filled. options as there. */
sgx_status_t host_create(const char *path, const struct ap_options *options);

/* ------------------------------------------------------------------ calls */

/* The host's side of the test enclave's ocalls; a test replaces what it wants to see. */
extern ap_ocall_fn *host_on_recurse, *host_on_note, *host_on_strict;
extern const struct ap_ocall_table host_ocalls;

/* The numbers that BASIC_OCALL_NOTE and BASIC_OCALL_STRICT were called with. */
extern uint64_t host_notes, host_last_note;

sgx_status_t host_ecall(int index, void *ms);

/* As host_ecall(); anything but success fails the test. */
void host_must(int index, void *ms);

/* A page fault of the enclave's own making, as the enclave's handler sees it. */
struct basic_exception host_peek(uint64_t address, uint64_t *ret_value);
struct basic_exception host_poke(uint64_t address, uint64_t value);
struct basic_exception host_execute(uint64_t address);

/* Pages in a region from its first dynamic one; the ecall itself must succeed. */
struct basic_commit host_commit(const char *region, uint64_t first, uint64_t pages);
struct basic_publish host_publish(uint64_t pages, uint64_t value);

/* ------------------------------------------------------------------ what a host knows */

uint64_t host_tcs(unsigned slot);                      /* address */
const struct ap_region *host_region(const char *name); /* fails the test if there is none */
const struct ap_region *layout_region(const struct ap_layout *layout, const char *name);
uint64_t host_dynamic(const char *region, uint64_t page); /* offset of a dynamic page */
struct sgx2_counters host_counters(void);
struct sgx2_epcm_query host_epcm(uint64_t offset);
struct basic_addresses host_addresses(void);

/* A hostile act that must be possible. */
void host_act(enum sgx2_hostile_act act, uint64_t offset, uint64_t value);

/* Of the next thread that enters. The host is told of a `vector`. */
void host_interrupt(uint64_t after, uint64_t vector);

/* The enclave still does what it is for. */
void host_check_sane(void);

#define HOST_DELTA(after, before, field) ((after).field - (before).field)

#endif
