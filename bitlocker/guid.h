/* GUIDs as Windows stores and shows them: 16 bytes of which the first three
 * fields are little-endian, shown in capitals.  It is by its protector's GUID
 * ("Key ID") that a key is found among thousands. */

#ifndef BOOTMEND_GUID_H
#define BOOTMEND_GUID_H

#include <stdbool.h>

#define GUID_BYTES 16
#define GUID_TEXT  37 /* 36 characters and the zero byte */

void guid_to_text (const unsigned char guid[GUID_BYTES], char text[GUID_TEXT]);

/* Reads "AABBCCDD-...", in braces or without, in any letter case; the text may
 * go on after it.  False: it is none. */
bool guid_from_text (const char *text, unsigned char guid[GUID_BYTES]);

/* Is the text a GUID without braces, and nothing else? */
bool guid_is_text (const char *text);

/* Do two texts name one GUID? */
bool guid_text_equal (const char *a, const char *b);

#endif
