/* SPDX-License-Identifier: Apache-2.0 */
/*
 * next.h - the function of a name that comes after ours: libc's, or another library's in between
 *
 * NEXT(name, ...) calls it. A file that uses it says NEXT_DECLARE(name) for each name first, and
 * calls NEXT_FIND(name) for each from a constructor: looking up is not for signal handlers. Other
 * libraries' constructors may come earlier; for them the look-up happens on use.
 */
#ifndef MODEL_PRELOAD_NEXT_H
#define MODEL_PRELOAD_NEXT_H

#include <dlfcn.h>

#define NEXT_DECLARE(name)                                                                         \
    static __typeof__(&name) next_##name;                                                          \
    static __typeof__(&name) find_##name(void)                                                     \
    {                                                                                              \
        if (!next_##name)                                                                          \
            *(void **)(void *)&next_##name = dlsym(RTLD_NEXT, #name);                              \
        return next_##name;                                                                        \
    }                                                                                              \
    _Static_assert(1, "takes the semicolon")

#define NEXT_FIND(name) ((void)find_##name())
#define NEXT(name, ...) (find_##name()(__VA_ARGS__))

#endif
