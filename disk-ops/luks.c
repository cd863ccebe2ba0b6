#include "luks.h"

#include <stdio.h>
#include <string.h>

#define LABEL_AT 24
#define UUID_AT  168

static unsigned
be16 (const unsigned char *p)
{
  return (unsigned)p[0] << 8 | p[1];
}

/* A text of fixed room, as far as it is plain ASCII. */
static void
copy_text (char *to, size_t room, const unsigned char *from, size_t len)
{
  size_t n = 0;

  while (n < len && n + 1 < room && from[n] > ' ' && from[n] < 0x7f) {
    to[n] = (char)from[n];
    n++;
  }
  to[n] = '\0';
}

int
luks_parse (const unsigned char *bytes, size_t len, struct luks *luks,
            struct err **err)
{
  char name[33], mode[33];

  memset (luks, 0, sizeof *luks);
  if (len < LUKS_HEADER_BYTES || memcmp (bytes, "LUKS\xba\xbe", 6) != 0)
    return err_set (err, ERR_DISK, "no LUKS header");
  luks->version = (int)be16 (bytes + 6);
  if (luks->version != 1 && luks->version != 2)
    return err_set (err, ERR_DISK, "LUKS of version %d is not known",
                    luks->version);
  copy_text (luks->uuid, sizeof luks->uuid, bytes + UUID_AT, 40);
  if (luks->version == 2)
    copy_text (luks->label, sizeof luks->label, bytes + LABEL_AT, 48);
  else {
    copy_text (name, sizeof name, bytes + 8, 32);
    copy_text (mode, sizeof mode, bytes + 40, 32);
    snprintf (luks->cipher, sizeof luks->cipher, "%s-%s", name, mode);
  }
  if (luks->uuid[0] == '\0')
    return err_set (err, ERR_DISK,
                    "the LUKS header has no UUID: it is damaged");
  return 0;
}

json_t *
luks_to_json (const struct luks *luks)
{
  json_t *json =
      json_make ("{s:i, s:s}", "version", luks->version, "uuid", luks->uuid);

  if (luks->label[0])
    json_put_str (json, "label", luks->label);
  if (luks->cipher[0])
    json_put_str (json, "cipher", luks->cipher);
  return json;
}
