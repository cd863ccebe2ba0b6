/* Recovery passwords: 48 digits in 8 blocks.  Each block is a 16-bit number
 * times 11, so a mistyped one is found before any disk is touched.
 * [libbde documentation, "BitLocker Drive Encryption (BDE) format"] */

#ifndef BOOTMEND_RECOVERY_PASSWORD_H
#define BOOTMEND_RECOVERY_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

#define RECOVERY_KEY_BYTES 16
#define RECOVERY_TEXT      56 /* 55 characters and the zero byte */

/* Is this meant to be one: digits, with nothing but dashes and blanks between
 * them, and about as many as it takes? */
bool recovery_password_looks_like (const char *text, size_t len);

/* The 128-bit key that it stands for; blanks at both ends do not count, and
 * the blocks may be apart by a dash, a blank or nothing.  ERR_INPUT says which
 * block is wrong and how, and quotes none of it. */
int recovery_password_parse (const char *text, size_t len,
                             unsigned char key[RECOVERY_KEY_BYTES],
                             struct err **err) ATTR_USE;

/* The usual way to write it, with dashes. */
void recovery_password_text (const unsigned char key[RECOVERY_KEY_BYTES],
                             char text[RECOVERY_TEXT]);

#endif
