/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of enclave code: what its handler learns from the processor, and what the host learns if
 * nobody handles them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "host.h"

TestSuite(fault, .init = host_open, .fini = host_close);

#define READ_REFUSED  (SGX_PFEC_P | SGX_PFEC_U)
#define WRITE_REFUSED (READ_REFUSED | SGX_PFEC_W)
#define FETCH_REFUSED (READ_REFUSED | SGX_PFEC_I)
#define BY_EPCM       SGX_PFEC_SGX

static void expect_page_fault(struct basic_exception e, uint64_t address, uint32_t code)
{
    cr_assert(e.caught, "no exception at all");
    cr_assert_eq(e.vector, SGX_VECTOR_PF, "vector %d", (int)e.vector);
    cr_assert_eq(e.type, SGX_EXIT_HARDWARE);
    cr_assert_eq(e.address, address, "address %#llx", (unsigned long long)e.address);
    cr_assert_eq(e.error_code, code, "code %#llx", (unsigned long long)e.error_code);
    host_check_sane();
}

static void host_protect(uint64_t offset, uint64_t size, int prot)
{
    cr_assert_eq(os_model()->mprotect((void *)(host.base + offset), size, prot), 0);
}

static uint64_t in(const char *region, uint64_t page)
{
    return host.base + host_dynamic(region, page);
}

/* ------------------------------------------------------------------ code */

Test(fault, writing_to_published_code_is_refused_by_the_epcm)
{
    uint64_t code = host_publish(1, 7).where;

    expect_page_fault(host_poke(code + 0x123, 0), code + 0x123, WRITE_REFUSED | BY_EPCM);
    cr_assert_eq(host_execute(code).caught, 0, "it still runs");
}

Test(fault, writing_to_published_code_is_refused_by_the_mapping_if_the_host_narrows_that)
{
    uint64_t code = host_publish(1, 7).where;

    host_protect(code - host.base, PAGE, PROT_READ | PROT_EXEC);
    expect_page_fault(host_poke(code + 0x123, 0), code + 0x123, WRITE_REFUSED);
    cr_assert_eq(host_execute(code).caught, 0, "it still runs");
}

Test(fault, running_published_code_is_refused_if_the_host_takes_execution_away)
{
    uint64_t code = host_publish(1, 7).where;

    host_protect(code - host.base, PAGE, PROT_READ);
    expect_page_fault(host_execute(code), code, FETCH_REFUSED);
}

Test(fault, writing_to_the_images_code_and_constants_is_refused)
{
    struct basic_addresses at = host_addresses();

    expect_page_fault(host_poke(at.text, 0), at.text, WRITE_REFUSED);
    expect_page_fault(host_poke(at.rodata, 0), at.rodata, WRITE_REFUSED);
    expect_page_fault(host_poke(at.critical, 0), at.critical, WRITE_REFUSED);
}

Test(fault, writing_to_relocated_constants_is_refused_by_the_epcm_since_initialisation)
{
    struct basic_addresses at = host_addresses();

    expect_page_fault(host_poke(at.relro, 0), at.relro, WRITE_REFUSED | BY_EPCM);
    expect_page_fault(host_poke(host.base + host.layout.relro_offset, 0),
                      host.base + host.layout.relro_offset, WRITE_REFUSED | BY_EPCM);
}

/* ------------------------------------------------------------------ data */

Test(fault, executing_data_is_refused_by_its_mapping)
{
    struct basic_addresses at = host_addresses();

    expect_page_fault(host_execute(at.data), at.data, FETCH_REFUSED);
    expect_page_fault(host_execute(at.stack), at.stack, FETCH_REFUSED);
    expect_page_fault(host_execute(at.rodata), at.rodata, FETCH_REFUSED);
}

Test(fault, executing_data_is_refused_by_the_epcm_if_the_host_maps_it_executable)
{
    uint64_t page = in("pool", 0);

    cr_assert_eq(host_commit("pool", 0, 1).status, SGX_SUCCESS);
    host_protect(page - host.base, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    expect_page_fault(host_execute(page + 8), page + 8, FETCH_REFUSED | BY_EPCM);
}

Test(fault, a_page_that_the_host_added_unasked_is_not_there_for_the_enclave)
{
    uint64_t page = in("pool", 3);

    host_act(SGX2_HOSTILE_EAUG, page - host.base, 0);
    expect_page_fault(host_peek(page + 0x18, NULL), page + 0x18, READ_REFUSED | BY_EPCM);
    expect_page_fault(host_poke(page + 0x20, 1), page + 0x20, WRITE_REFUSED | BY_EPCM);
    cr_assert(host_epcm(page - host.base).secinfo & SGX_SECINFO_PENDING);
}

Test(fault, a_page_that_the_host_trims_is_gone)
{
    uint64_t page = in("pool", 0);
    struct sgx_enclave_modify_types trim = {
        .offset = page - host.base, .length = PAGE, .page_type = SGX_PT_TRIM};

    cr_assert_eq(host_commit("pool", 0, 1).status, SGX_SUCCESS);
    cr_assert_eq(os_model()->ioctl(host.fd, SGX_IOC_ENCLAVE_MODIFY_TYPES, &trim), 0);
    expect_page_fault(host_peek(page, NULL), page, READ_REFUSED | BY_EPCM);
    expect_page_fault(host_poke(page, 1), page, WRITE_REFUSED | BY_EPCM);
}

Test(fault, a_page_that_the_host_unmaps_is_not_present)
{
    uint64_t page = in("pool", 0);

    cr_assert_eq(host_commit("pool", 0, 1).status, SGX_SUCCESS);
    cr_assert_eq(os_model()->munmap((void *)page, PAGE), 0);
    expect_page_fault(host_peek(page + 0x11, NULL), page + 0x11, SGX_PFEC_U);
    expect_page_fault(host_poke(page + 0x11, 1), page + 0x11, SGX_PFEC_U | SGX_PFEC_W);
}

Test(fault, guards_are_not_present)
{
    const struct ap_slots *s = &host.layout.slots;
    uint64_t below_stack = host.base + s->offset + s->stack_offset - 8;

    expect_page_fault(host_peek(below_stack, NULL), below_stack, SGX_PFEC_U);
    expect_page_fault(host_poke(below_stack, 1), below_stack, SGX_PFEC_U | SGX_PFEC_W);
}

Test(fault, the_thread_control_structure_is_beyond_the_enclaves_reach)
{
    expect_page_fault(host_peek(host_tcs(0), NULL), host_tcs(0), READ_REFUSED | BY_EPCM);
    expect_page_fault(host_poke(host_tcs(0) + 32, 0), host_tcs(0) + 32, WRITE_REFUSED | BY_EPCM);
}

/*
 * ------------------------------------------------------------------ the host's memory
 *
 * That an enclave cannot run host code that is executable for the host is the processor's doing;
 * the model runs enclave code natively and sees no such fetch.
 */

Test(fault, host_memory_that_cannot_be_read_is_reported_like_any_other)
{
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t at = (uintptr_t)page;

    page[0] = 1;
    mprotect(page, PAGE, PROT_READ);
    expect_page_fault(host_poke(at, 1), at, WRITE_REFUSED);
    munmap(page, PAGE);
    expect_page_fault(host_peek(at, NULL), at, SGX_PFEC_U);
}

/* ------------------------------------------------------------------ handled */

static void expect_caught(enum basic_provocation provocation, uint64_t vector)
{
    struct basic_catch ms = {.provocation = provocation};

    host_must(BASIC_CATCH, &ms);
    cr_assert(ms.exception.caught);
    cr_assert_eq(ms.exception.vector, vector, "vector %d", (int)ms.exception.vector);
    cr_assert_eq(ms.exception.type, SGX_EXIT_HARDWARE);
    cr_assert(ms.exception.rip > host.base && ms.exception.rip < host.base + host.size);
    host_check_sane();
}

Test(fault, every_exception_that_the_enclave_causes_can_be_caught)
{
    expect_caught(BASIC_DIVIDE, SGX_VECTOR_DE);
    expect_caught(BASIC_UD2, SGX_VECTOR_UD);
    expect_caught(BASIC_BREAKPOINT, SGX_VECTOR_UD); /* INT3 is illegal in an opt-out entry */
    expect_caught(BASIC_UNMASKED, SGX_VECTOR_XM);
    expect_caught(BASIC_GENERAL, SGX_VECTOR_GP);
    cr_assert_str_eq(ap_enclave_crash(host.enclave), "");
}

Test(fault, handlers_may_call_out_and_may_fault_themselves)
{
    struct basic_catch ms = {.provocation = BASIC_DIVIDE,
                             .flags = BASIC_CATCH_OCALL | BASIC_CATCH_NESTED};

    host_last_note = 99;
    host_must(BASIC_CATCH, &ms);
    cr_assert(ms.exception.caught);
    cr_assert_eq(ms.exception.vector, SGX_VECTOR_DE);
    cr_assert_eq(ms.note_status, SGX_SUCCESS);
    cr_assert_eq(ms.nested, 1);
    cr_assert_eq(host_notes, 1);
    cr_assert_eq(host_last_note, SGX_VECTOR_DE);
}

Test(fault, an_exception_that_a_handler_continues_from_changes_nothing)
{
    struct basic_resume ms = {0};

    host_must(BASIC_RESUME, &ms);
    cr_assert_eq(ms.registers_kept, 1);
    cr_assert_eq(ms.vectors_kept, 1);
    cr_assert_eq(ms.control_kept, 1);
    cr_assert_eq(ms.flags_kept, 1);
    cr_assert_eq(ms.red_zone_kept, 1);
    cr_assert_eq(ms.clean_handler, 1);
}

/* ------------------------------------------------------------------ not handled */

static void expect_end(sgx_status_t status, const char *vector, const char *who)
{
    const char *text = ap_enclave_crash(host.enclave);
    struct basic_add ms = {.a = 1};

    cr_assert_eq(status, SGX_ERROR_ENCLAVE_CRASHED, "%#x", status);
    cr_assert_not_null(strstr(text, vector), "\"%s\" is not in: %s", vector, text);
    cr_assert_not_null(strstr(text, who), "\"%s\" is not in: %s", who, text);
    cr_assert_eq(host_ecall(BASIC_ADD, &ms), SGX_ERROR_ENCLAVE_CRASHED, "it stays crashed");
}

static sgx_status_t provoke(enum basic_provocation provocation)
{
    struct basic_provoke ms = {.provocation = provocation};

    return host_ecall(BASIC_PROVOKE, &ms);
}

Test(fault, an_unhandled_illegal_instruction_crashes_the_enclave_by_name)
{
    expect_end(provoke(BASIC_UD2), "#UD", "vector 6");
}

Test(fault, an_unhandled_division_by_zero_crashes_the_enclave_by_name)
{
    expect_end(provoke(BASIC_DIVIDE), "#DE", "vector 0");
}

Test(fault, an_unhandled_general_protection_fault_crashes_the_enclave_by_name)
{
    expect_end(provoke(BASIC_GENERAL), "#GP", "vector 13");
}

Test(fault, a_failed_assertion_crashes_the_enclave)
{
    expect_end(provoke(BASIC_ASSERT), "the enclave gave up", "assertion");
}

Test(fault, a_smashed_stack_crashes_the_enclave)
{
    expect_end(provoke(BASIC_SMASH), "the enclave gave up", "overwritten stack");
}

Test(fault, a_stack_overflow_is_a_crash_at_the_guard_and_nothing_worse)
{
    const struct ap_slots *s = &host.layout.slots;
    char guard[32];

    /* The one page below slot 0's stack. */
    snprintf(guard, sizeof guard, "offset %#llx)",
             (unsigned long long)(s->offset + s->stack_offset - PAGE));
    expect_end(host_ecall(BASIC_OVERFLOW, NULL), "#PF, page fault writing", guard);
    cr_assert_not_null(strstr(ap_enclave_crash(host.enclave), "status 0x1009"), "%s",
                       ap_enclave_crash(host.enclave));
}

Test(fault, an_unhandled_page_fault_names_its_address_and_the_mapping)
{
    char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct basic_echo ms = {.from = (uintptr_t)page, .to = (uintptr_t)page, .size = 8};
    char address[32];

    cr_assert_eq(*(volatile char *)page, 0); /* a write then finds the page present */
    snprintf(address, sizeof address, "writing %p", (void *)page);
    expect_end(host_ecall(BASIC_ECHO, &ms), address, "refused by the page table");
}

Test(fault, an_unhandled_page_fault_on_a_page_that_the_host_replaced_names_the_epcm)
{
    struct basic_addresses at = host_addresses();
    struct basic_tls ms = {.add = 1};

    host_act(SGX2_HOSTILE_REPLACE, (at.data & SGX_PAGE_MASK) - host.base, 0);
    expect_end(host_ecall(BASIC_TLS, &ms), "#PF, page fault", "refused by the EPCM");
}

/* A jump out of the enclave leaves nothing that could be handled inside. */
Test(fault, executing_host_memory_crashes_the_enclave)
{
    static const uint8_t code[] = {0xb8, 1, 0, 0, 0, 0xc3};
    struct basic_access ms = {.address = (uintptr_t)code};

    expect_end(host_ecall(BASIC_EXECUTE, &ms), "#GP", "vector 13");
    cr_assert_eq(ms.value, 0);
}

/* ------------------------------------------------------------------ handlers that try to escape */

Test(fault, a_handler_cannot_continue_outside_the_enclave)
{
    expect_end(provoke(BASIC_BAD_CONTEXT), "the enclave gave up", "#UD");
}

Test(fault, a_handler_cannot_continue_on_a_foreign_stack)
{
    expect_end(provoke(BASIC_BAD_STACK), "the enclave gave up", "#UD");
}
