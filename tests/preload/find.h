/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find.h - the vDSO as a program finds it
 */
#ifndef TESTS_PRELOAD_FIND_H
#define TESTS_PRELOAD_FIND_H

/* A function of the image that AT_SYSINFO_EHDR names, by its System V hash table; NULL: none. */
void *find_vdso(const char *name);

/* The same in any image. */
void *find_in_image(const void *image, const char *name);

#endif
