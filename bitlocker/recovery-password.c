#include "recovery-password.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <base/secret.h>

#define BLOCKS       8
#define BLOCK_DIGITS 6
#define DIGITS       (BLOCKS * BLOCK_DIGITS)
#define FACTOR       11
#define TOO_LARGE    720896 /* 65536 * 11 */
/* Fewer digits than this are somebody's password, not a recovery password with
 * a few digits lost. */
#define LEAST_DIGITS 36

static bool
is_between (char c)
{
  return c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
recovery_password_looks_like (const char *text, size_t len)
{
  size_t digits = 0;

  for (size_t i = 0; i < len; i++)
    if (isdigit ((unsigned char)text[i]))
      digits++;
    else if (!is_between (text[i]))
      return false;
  return digits >= LEAST_DIGITS && digits <= DIGITS + BLOCK_DIGITS;
}

/* Collects the digits; each block has to hold six before a dash ends it. */
static int
collect (const char *text, size_t len, char digits[DIGITS], struct err **err)
{
  size_t n = 0;

  for (size_t i = 0; i < len; i++) {
    if (isdigit ((unsigned char)text[i])) {
      if (n == DIGITS)
        return err_set (err, ERR_INPUT,
                        "the recovery password has more than %d digits",
                        DIGITS);
      digits[n++] = text[i];
    } else if (!is_between (text[i]))
      return err_set (err, ERR_INPUT,
                      "block %zu of the recovery password holds something "
                      "that is no digit",
                      n / BLOCK_DIGITS + 1);
    else if (text[i] == '-' && n % BLOCK_DIGITS != 0)
      return err_set (err, ERR_INPUT,
                      "block %zu of the recovery password has %zu digits "
                      "instead of %d",
                      n / BLOCK_DIGITS + 1, n % BLOCK_DIGITS, BLOCK_DIGITS);
  }
  if (n != DIGITS)
    return err_set (err, ERR_INPUT,
                    "the recovery password has %zu digits instead of %d: "
                    "block %zu is not whole",
                    n, DIGITS, n / BLOCK_DIGITS + 1);
  return 0;
}

static int
block_value (const char *digits, int block, uint32_t *value, struct err **err)
{
  *value = 0;
  for (int i = 0; i < BLOCK_DIGITS; i++)
    *value = *value * 10 + (uint32_t)(digits[block * BLOCK_DIGITS + i] - '0');
  if (*value % FACTOR == 0 && *value < TOO_LARGE)
    return 0;
  *value = 0;
  return err_set (err, ERR_INPUT,
                  "block %d of the recovery password is mistyped (each block "
                  "of six digits is a multiple of 11 below 720896)",
                  block + 1);
}

int
recovery_password_parse (const char *text, size_t len,
                         unsigned char key[RECOVERY_KEY_BYTES],
                         struct err **err)
{
  char digits[DIGITS];
  int r = collect (text, len, digits, err);

  for (int block = 0; r == 0 && block < BLOCKS; block++) {
    uint32_t value;

    r = block_value (digits, block, &value, err);
    key[2 * block] = (unsigned char)(value / FACTOR);
    key[2 * block + 1] = (unsigned char)(value / FACTOR >> 8);
  }
  wipe (digits, sizeof digits);
  if (r == -1)
    wipe (key, RECOVERY_KEY_BYTES);
  return r;
}

void
recovery_password_text (const unsigned char key[RECOVERY_KEY_BYTES],
                        char text[RECOVERY_TEXT])
{
  for (int block = 0; block < BLOCKS; block++)
    snprintf (text + (size_t)block * (BLOCK_DIGITS + 1), BLOCK_DIGITS + 2,
              block < BLOCKS - 1 ? "%06u-" : "%06u",
              (unsigned)(key[2 * block] | key[2 * block + 1] << 8) * FACTOR);
}
