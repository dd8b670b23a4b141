/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_value.h - the configuration's words and numbers, and the table of its elements
 */
#ifndef SIGNTOOL_CONFIG_VALUE_H
#define SIGNTOOL_CONFIG_VALUE_H

#include <stdbool.h>

#include "config.h"
#include "say.h"

/* An element that holds one number. */
struct config_element {
    const char *name;
    size_t offset; /* of a uint64_t in struct config */
    uint64_t min, max;
    uint64_t unit;           /* the value is a multiple of this */
    bool (*check)(uint64_t); /* NULL, or what min, max and unit cannot say */
};

#define CONFIG_ELEMENTS 12u
extern const struct config_element config_elements[CONFIG_ELEMENTS];

/* Decimal or 0x, nothing around it. A leading zero is refused: people disagree on what it means. */
bool number_parse(const char *text, uint64_t *ret_value);

/* The value of an element, within its limits. 0, or -1 with the sentence. */
int element_parse(const struct config_element *e, const char *text, uint64_t *ret_value,
                  struct failure *failure);

/* A Region from its attributes, name and value in turn, ended by NULL. 0, or -1. */
int region_parse(const char *const *attributes, struct config_region *ret_region,
                 struct failure *failure);

#endif
