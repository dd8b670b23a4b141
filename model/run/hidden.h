/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hidden.h - what entering and leaving change about the host's sight of enclave memory
 *
 * See driver/hide.h for the two ways.
 */
#ifndef MODEL_RUN_HIDDEN_H
#define MODEL_RUN_HIDDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu_features;
struct thread;

/*
 * hidden_allow() - give or take the right to a protection key in an XSAVE image
 * @image, @size:  standard format
 * @key:           0 to 15
 *
 * The image then holds PKRU; other keys' rights are as they were. Nothing is changed where the
 * features have no PKRU or the image has no room for it.
 */
void hidden_allow(uint8_t *image, size_t size, const struct cpu_features *features, int key,
                  bool allow);

/* t is inside or outside now, and cpu.xsave is what it will run with. Enclave locked. */
void hidden_follow(struct thread *t);

#endif
