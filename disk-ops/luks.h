/* The header of a LUKS volume, as far as it says what the volume is: version
 * and UUID.  What opens it is cryptsetup, in the appliance.
 * [LUKS1 and LUKS2 On-Disk Format Specification, cryptsetup] */

#ifndef BOOTMEND_LUKS_H
#define BOOTMEND_LUKS_H

#include <base/err.h>
#include <base/json.h>

#define LUKS_HEADER_BYTES 592

struct luks {
  int version;   /* 1 or 2 */
  char uuid[41]; /* printable; "" if there is none */
  char label[49];
  char cipher[72]; /* of version 1: "aes-xts-plain64" */
};

/* ERR_DISK: no LUKS header, or of another version. */
int luks_parse (const unsigned char *bytes, size_t len, struct luks *luks,
                struct err **err) ATTR_USE;

json_t *luks_to_json (const struct luks *luks);

#endif
