/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - what the loaded runtime offers
 */
#ifndef TESTS_PRELOAD_RUNTIME_H
#define TESTS_PRELOAD_RUNTIME_H

#include <stdint.h>

/* An enclave: 0 or a negative errno. */
int runtime_open(void);
int runtime_close(void);

/* Stores a value inside and loads it again. */
uint64_t runtime_call(uint64_t value);

/* Installs a handler and sends the signal: how often the handler has been called. */
int runtime_signal(void);

#endif
