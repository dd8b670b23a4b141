/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters by name: one table for traces, reports, cost files and programs.
 */
#include <string.h>

#include "aperture/counters.h"

#define ENCLS(leaf, name)                                                                          \
    {                                                                                              \
        name, NULL, offsetof(struct sgx2_counters, encls) + (leaf) * sizeof(uint64_t)              \
    }
#define ENCLU(leaf, name)                                                                          \
    {                                                                                              \
        name, NULL, offsetof(struct sgx2_counters, enclu) + (leaf) * sizeof(uint64_t)              \
    }
#define FIELD(field, meaning)                                                                      \
    {                                                                                              \
#field, meaning, offsetof(struct sgx2_counters, field)                                     \
    }

/* Leaves first, in the order of their numbers. */
static const struct sgx2_counter table[] = {
    ENCLS(0, "ECREATE"),
    ENCLS(1, "EADD"),
    ENCLS(2, "EINIT"),
    ENCLS(3, "EREMOVE"),
    ENCLS(4, "EDBGRD"),
    ENCLS(5, "EDBGWR"),
    ENCLS(6, "EEXTEND"),
    ENCLS(7, "ELDB"),
    ENCLS(8, "ELDU"),
    ENCLS(9, "EBLOCK"),
    ENCLS(10, "EPA"),
    ENCLS(11, "EWB"),
    ENCLS(12, "ETRACK"),
    ENCLS(13, "EAUG"),
    ENCLS(14, "EMODPR"),
    ENCLS(15, "EMODT"),
    ENCLU(0, "EREPORT"),
    ENCLU(1, "EGETKEY"),
    ENCLU(2, "EENTER"),
    ENCLU(3, "ERESUME"),
    ENCLU(4, "EEXIT"),
    ENCLU(5, "EACCEPT"),
    ENCLU(6, "EMODPE"),
    ENCLU(7, "EACCEPTCOPY"),
    ENCLU(8, "EVERIFYREPORT2"),
    ENCLU(9, "ENCLU_9"),
    ENCLU(10, "ENCLU_10"),
    ENCLU(11, "EDECCSSA"),
    ENCLU(12, "ENCLU_12"),
    ENCLU(13, "ENCLU_13"),
    ENCLU(14, "ENCLU_14"),
    ENCLU(15, "ENCLU_15"),
    FIELD(eexit, "exits: EEXIT"),
    FIELD(aex, "exits: asynchronous (AEX)"),
    FIELD(aex_interrupts, "of these: interrupts"),
    FIELD(aex_faults, "of these: page faults that the kernel settled"),
    FIELD(aex_exceptions, "of these: exceptions"),
    FIELD(exceptions, "exceptions reported to the host"),
    FIELD(page_faults, "page faults"),
    FIELD(eaug_faults, "page faults settled by EAUG"),
    FIELD(ipis, "IPIs"),
    FIELD(ioctl_create, "ioctl CREATE"),
    FIELD(ioctl_add_pages, "ioctl ADD_PAGES"),
    FIELD(ioctl_init, "ioctl INIT"),
    FIELD(ioctl_provision, "ioctl PROVISION"),
    FIELD(ioctl_restrict, "ioctl RESTRICT_PERMISSIONS"),
    FIELD(ioctl_modify_types, "ioctl MODIFY_TYPES"),
    FIELD(ioctl_remove, "ioctl REMOVE_PAGES"),
    FIELD(mmaps, "mmap of enclave memory"),
    FIELD(mprotects, "mprotect of enclave memory"),
    FIELD(munmaps, "munmap of enclave memory"),
    FIELD(epc_pages, "EPC pages, now"),
    FIELD(epc_pages_max, "EPC pages, most at once"),
    FIELD(evicted, "EPC pages evicted"),
    FIELD(reloaded, "EPC pages reloaded"),
    FIELD(traps, "the model's own signals"),
    FIELD(host_mprotects, "the model's own mprotects"),
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Whoever appends a counter names it here as well. */
_Static_assert(COUNT_OF(table) * sizeof(uint64_t) == sizeof(struct sgx2_counters),
               "every counter has a row");

const struct sgx2_counter *sgx2_counter_at(size_t index)
{
    return index < COUNT_OF(table) ? &table[index] : NULL;
}

const struct sgx2_counter *sgx2_counter_named(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

uint64_t sgx2_counter_value(const struct sgx2_counters *counters,
                            const struct sgx2_counter *counter)
{
    return __atomic_load_n(
        (const uint64_t *)(const void *)((const char *)counters + counter->offset),
        __ATOMIC_RELAXED);
}
