/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unconfirmed - print the choices of the model, a line each: name, question, choice, with tabs
 * between them
 */
#include "unconfirmed.h"

#include <stdio.h>

#define ROW(name, question, choice) #name "\t" question "\t" choice "\n"

int main(void)
{
    return fputs(CPU_UNCONFIRMED(ROW) MODEL_UNCONFIRMED(ROW), stdout) < 0;
}
