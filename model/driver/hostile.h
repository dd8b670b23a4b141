/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.h - a kernel that does not do as it should
 *
 * By rules (rules.h) or, at once, by the acts of aperture/model.h. Whatever it does to a page it
 * does with leaves that the manual allows; the processor may refuse them like any other.
 *
 * All functions want the enclave's lock. Without rules none of them is called but hostile().
 */
#ifndef MODEL_DRIVER_HOSTILE_H
#define MODEL_DRIVER_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/enclave.h"

/* Is there any rule for one of these operations (RULE_BIT)? */
static inline bool hostile(const struct enclave *e, uint32_t operations)
{
    return __builtin_expect((e->file->rules.operations & operations) != 0, 0);
}

/* The rules that the environment variable APERTURE_HOSTILE names a file of; none without it. */
bool hostile_choose(struct rules *ret);

/* The next rule that strikes, traced: rules_next() on the size bytes at offset. */
struct rule *hostile_next(struct enclave *e, struct rule *previous, enum rule_operation operation,
                          uint64_t whats, uint64_t offset, uint64_t size);

/* What can be done before any operation: delay, and acts on pages. The lock may be dropped. */
void hostile_before(struct enclave *e, enum rule_operation operation, uint64_t offset,
                    uint64_t size);

/*
 * An ioctl of the driver. True if the rules took its place: *ret is its result. Otherwise it is to
 * be carried out. The lock may be dropped.
 */
bool hostile_ioctl(struct enclave *e, unsigned long request, void *argument, int *ret);

/* One page of an ioctl: true if it is to be reported as done and left as it is. */
bool hostile_skip_page(struct enclave *e, enum rule_operation operation, uint64_t page);

static inline bool hostile_skip(struct enclave *e, enum rule_operation operation, uint64_t page)
{
    return hostile(e, RULE_BIT(operation)) && hostile_skip_page(e, operation, page);
}

/* What EMODPR and EMODT are asked for in place of what the ioctl says. */
uint64_t hostile_permission(struct enclave *e, uint64_t page, uint64_t permission);
uint8_t hostile_type(struct enclave *e, uint64_t page, uint8_t type);

/*
 * A fault on an absent page that EAUG would settle, with room for it in the EPC. True if the rules
 * did what is done: *ret.
 */
bool hostile_fault(struct enclave *e, uint64_t page, enum fault_result *ret);

/* SGX2_MODEL_HOSTILE: act->code is what the last leaf returned. See aperture/model.h. */
int hostile_act(struct enclave *e, struct sgx2_hostile *act);

/* SGX2_MODEL_RULES, SGX2_MODEL_STRUCK. */
int hostile_ioctl_rules(struct enclave *e, void *argument);
int hostile_ioctl_struck(struct enclave *e, void *argument);

#endif
