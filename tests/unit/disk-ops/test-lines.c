/* Edits of Linux's configuration files as pure functions: what is meant to
 * change does, and every other byte stays. */

#include "unit.h"

#include <string.h>

#include <base/json.h>
#include <disk-ops/lines.h>
#include <disk-ops/linux-devices.h>

static void
expect_text (const struct strbuf *got, const char *expected)
{
  if (got->len != strlen (expected) ||
      memcmp (got->buf ? got->buf : "", expected, got->len) != 0)
    printf ("got \"%.*s\", expected \"%s\"\n", (int)got->len,
            got->buf ? got->buf : "", expected);
  CU_ASSERT_EQUAL_FATAL (got->len, strlen (expected));
  CU_ASSERT_EQUAL (memcmp (got->buf ? got->buf : "", expected, got->len), 0);
}

static void
test_lines (void)
{
  static const struct {
    const char *before, *pattern, *line;
    bool add;
    const char *after;
  } cases[] = {
      {"a=1\nb=2\n", "^a=", "a=9", false, "a=9\nb=2\n"},
      {"a=1\r\nb=2\r\n", "^b=", "b=9", false, "a=1\r\nb=9\r\n"},
      {"a=1\na=2", "^a=", "a=9", false, "a=9\na=9"},
      {"a=1\n", "^b=", "b=9", false, "a=1\n"},
      {"a=1\n", "^b=", "b=9", true, "a=1\nb=9\n"},
      {"a=1", "^b=", "b=9", true, "a=1\nb=9\n"},
      {"", "^b=", "b=9", true, "b=9\n"},
      {"b=8\n", "^b=", "b=9", true, "b=9\n"},
      {"a\nb\nc\n", "^b$", NULL, false, "a\nc\n"},
      {"a\nb", "^b$", NULL, false, "a\n"},
      {"\n\n", "^b$", NULL, false, "\n\n"},
      {"#Port 22\nPort 2222\n", "^[[:space:]]*[Pp]ort[[:space:]]", "Port 22",
       false, "#Port 22\nPort 22\n"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    CLEANUP_STRBUF struct strbuf out = STRBUF_EMPTY;

    CU_ASSERT_EQUAL (lines_set (cases[i].before, strlen (cases[i].before),
                                cases[i].pattern, cases[i].line, cases[i].add,
                                &out, NULL),
                     0);
    expect_text (&out, cases[i].after);
  }
  CU_ASSERT_EQUAL (lines_check_pattern ("a(", NULL), -1);
  CU_ASSERT_EQUAL (lines_check_pattern ("^a", NULL), 0);
}

static enum fstab_device
where (void *opaque, const char *spec)
{
  (void)opaque;
  if (strstr (spec, "here"))
    return FSTAB_HERE;
  return strchr (spec, '=') ? FSTAB_ABSENT : FSTAB_NO_DISK;
}

struct told {
  unsigned changed, left;
};

static void
tell (void *opaque, const char *spec, const char *mount_point, bool changed)
{
  struct told *told = opaque;

  (void)spec;
  (void)mount_point;
  told->changed += changed;
  told->left += !changed;
}

static const char fstab[] = "# comment UUID=x /a ext4 defaults 0 0\n"
                            "UUID=here / ext4 errors=remount-ro 0 1\n"
                            "UUID=gone\t/data  xfs\tdefaults\t0 2\n"
                            "UUID=gone2 /data2 xfs nofail,noatime 0 2\n"
                            "UUID=gone3 /data3 xfs noauto\n"
                            "LABEL=swap none swap sw 0 0 # trailing\n"
                            "tmpfs /tmp tmpfs defaults 0 0\n"
                            "UUID=gone4 /usr ext4 ro 0 2\n"
                            "  UUID=gone5 /x ext4 notnofail\n"
                            "broken\n"
                            "\n"
                            "UUID=last /y ext4 rw";

static void
test_fstab (void)
{
  struct told told = {0};
  struct fstab_edit edit = {false, where, tell, &told};
  CLEANUP_STRBUF struct strbuf out = STRBUF_EMPTY, again = STRBUF_EMPTY;
  CLEANUP_STRBUF struct strbuf commented = STRBUF_EMPTY;
  CLEANUP_FREE char *device = NULL;

  fstab_let_go (fstab, strlen (fstab), &edit, &out);
  expect_text (&out, "# comment UUID=x /a ext4 defaults 0 0\n"
                     "UUID=here / ext4 errors=remount-ro 0 1\n"
                     "UUID=gone\t/data  xfs\tdefaults,nofail\t0 2\n"
                     "UUID=gone2 /data2 xfs nofail,noatime 0 2\n"
                     "UUID=gone3 /data3 xfs noauto\n"
                     "LABEL=swap none swap sw,nofail 0 0 # trailing\n"
                     "tmpfs /tmp tmpfs defaults 0 0\n"
                     "UUID=gone4 /usr ext4 ro 0 2\n"
                     "  UUID=gone5 /x ext4 notnofail,nofail\n"
                     "broken\n"
                     "\n"
                     "UUID=last /y ext4 rw,nofail");
  CU_ASSERT_EQUAL (told.changed, 4);
  CU_ASSERT_EQUAL (told.left, 1);
  fstab_let_go (out.buf, out.len, &edit, &again);
  CU_ASSERT_EQUAL (again.len, out.len);
  CU_ASSERT_EQUAL (memcmp (again.buf, out.buf, out.len), 0);

  edit.comment = true;
  fstab_let_go ("UUID=gone /d ext4 rw\n", 21, &edit, &commented);
  expect_text (&commented, "#bootmend# UUID=gone /d ext4 rw\n");

  device = fstab_device_of (fstab, strlen (fstab), "/data");
  CU_ASSERT_STRING_EQUAL (device, "UUID=gone");
  CU_ASSERT_PTR_NULL (fstab_device_of (fstab, strlen (fstab), "/boot"));
}

static void
test_devices (void)
{
  static const struct {
    const char *spec;
    enum fstab_device where;
  } cases[] = {
      {"UUID=1234-abcd", FSTAB_HERE},
      {"UUID=1234-ABCD", FSTAB_HERE},
      {"UUID=\"1234-abcd\"", FSTAB_HERE},
      {"/dev/disk/by-uuid/1234-abcd", FSTAB_HERE},
      {"UUID=1234", FSTAB_ABSENT},
      {"LABEL=data", FSTAB_ABSENT},
      {"PARTUUID=1234-abcd", FSTAB_ABSENT},
      {"/dev/disk/by-label/data", FSTAB_ABSENT},
      {"/dev/mapper/vg-root", FSTAB_HERE},
      {"/dev/mapper/vg-home", FSTAB_ABSENT},
      {"/dev/vg/root", FSTAB_HERE},
      {"/dev/sdb1", FSTAB_NO_DISK},
      {"/dev/nvme1n1", FSTAB_NO_DISK},
      {"server:/export", FSTAB_NO_DISK},
      {"tmpfs", FSTAB_NO_DISK},
      {"", FSTAB_NO_DISK},
  };
  CLEANUP_JSON json_t *names =
      json_make ("{s:s,s:s,s:s}", "UUID=1234-abcd", "/dev/sda1",
                 "/dev/mapper/vg-root", "/dev/vg/root", "/dev/vg/root",
                 "/dev/vg/root");
  const struct linux_devices devices = {.names = names};
  const struct linux_devices crypt = {.names = names, .luks = true};
  CLEANUP_FREE char *mapper = linux_mapper_name ("my-vg", "lv-0");

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    if (linux_device_where (&devices, cases[i].spec) != cases[i].where)
      printf ("%s\n", cases[i].spec);
    CU_ASSERT_EQUAL (linux_device_where (&devices, cases[i].spec),
                     cases[i].where);
  }
  /* LUKS: only the guest's crypttab knows what its mappings are called */
  CU_ASSERT_EQUAL (linux_device_where (&crypt, "/dev/mapper/vg-home"),
                   FSTAB_NO_DISK);
  CU_ASSERT_EQUAL (linux_device_where (&crypt, "/dev/mapper/vg-root"),
                   FSTAB_HERE);
  CU_ASSERT_EQUAL (linux_device_where (&crypt, "UUID=1234"), FSTAB_ABSENT);
  CU_ASSERT_STRING_EQUAL (mapper, "my--vg-lv--0");
}

static void
test_grubenv (void)
{
  CLEANUP_STRBUF struct strbuf block = STRBUF_EMPTY, set = STRBUF_EMPTY;
  CLEANUP_STRBUF struct strbuf full = STRBUF_EMPTY, junk = STRBUF_EMPTY;
  CLEANUP_FREE char *old = NULL, *new = NULL, *other = NULL;
  char big[1100];

  strbuf_addstr (&block, "# GRUB Environment Block\nsaved_entry=a\nkeep=b\n");
  while (block.len < 1024)
    strbuf_addch (&block, '#');
  old = grubenv_get (block.buf, block.len, "saved_entry");
  CU_ASSERT_STRING_EQUAL (old, "a");
  CU_ASSERT_PTR_NULL (grubenv_get (block.buf, block.len, "saved"));
  CU_ASSERT_EQUAL (grubenv_set (block.buf, block.len, "saved_entry", "longer",
                                &set, NULL),
                   0);
  CU_ASSERT_EQUAL (set.len, 1024);
  new = grubenv_get (set.buf, set.len, "saved_entry");
  other = grubenv_get (set.buf, set.len, "keep");
  CU_ASSERT_STRING_EQUAL (new, "longer");
  CU_ASSERT_STRING_EQUAL (other, "b");

  memset (big, 'x', sizeof big - 1);
  big[sizeof big - 1] = '\0';
  CU_ASSERT_EQUAL (grubenv_set (block.buf, block.len, "saved_entry", big, &full,
                                NULL),
                   -1);
  CU_ASSERT_EQUAL (grubenv_set ("short", 5, "a", "b", &junk, NULL), -1);
  CU_ASSERT_PTR_NULL (grubenv_get ("short", 5, "a"));
}

/* What stands for "$menuentry_id_option" here, to keep lines short. */
static char *
menu_text (const char *text)
{
  static const char option[] = "$menuentry_id_option";
  struct strbuf sb = STRBUF_EMPTY;

  for (const char *p = text; *p; p++)
    if (*p == '@')
      strbuf_addf (&sb, "%s '", option);
    else
      strbuf_addch (&sb, *p);
  return strbuf_take (&sb);
}

static const char debian[] =
    "set default=\"0\"\n"
    "menuentry 'Debian GNU/Linux' --class debian @simple' {\n"
    "\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=UUID=u1 ro quiet\n"
    "\tinitrd\t/boot/initrd.img-6.1.0-18-amd64\n}\n"
    "submenu 'Advanced options' @advanced-u1' {\n"
    "\tmenuentry 'Debian, with Linux 6.1.0-18' @18-advanced-u1' {\n"
    "\t\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=UUID=u1 ro\n\t}\n"
    "\tmenuentry '... (recovery mode)' @18-recovery-u1' {\n"
    "\t\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=UUID=u1 single\n\t}\n"
    "\tmenuentry '... (recovery mode)' @13-recovery-u1' {\n"
    "\t\tlinux\t/boot/vmlinuz-6.1.0-13-amd64 root=UUID=u1 single\n\t}\n"
    "\tmenuentry 'Debian, with Linux 6.1.0-13' @13-advanced-u1' {\n"
    "\t\tlinux\t/boot/vmlinuz-6.1.0-13-amd64 root=UUID=u1 ro\n\t}\n}\n";
static const char flat[] = "menuentry 'new' --id x @new' {\n"
                           "\tlinux16 /vmlinuz-2 ro\n}\n"
                           "menuentry 'old' @old' {\n"
                           "\tlinux16 /vmlinuz-1 ro\n}\n";
static const char single[] = "menuentry 'only' @only' {\n"
                             "\tlinux /vmlinuz-2 ro\n}\n";

static void
test_grub_cfg (void)
{
  static const struct {
    const char *cfg, *entry, *kernel;
  } menus[] = {
      {debian, "advanced-u1>13-advanced-u1", "vmlinuz-6.1.0-13-amd64"},
      {flat, "old", "vmlinuz-1"},
      {single, NULL, NULL},
  };

  for (size_t i = 0; i < sizeof menus / sizeof menus[0]; i++) {
    CLEANUP_FREE char *text = menu_text (menus[i].cfg), *kernel = NULL;
    CLEANUP_FREE char *entry = grub_previous (text, strlen (text), &kernel);

    CU_ASSERT_EQUAL_FATAL (entry == NULL, menus[i].entry == NULL);
    if (entry == NULL)
      continue;
    CU_ASSERT_STRING_EQUAL (entry, menus[i].entry);
    CU_ASSERT_STRING_EQUAL (kernel, menus[i].kernel);
  }
}

/* Whatever bytes a guest has there. */
static void
test_junk (void)
{
  struct told told = {0};
  const struct fstab_edit edit = {false, where, tell, &told};
  uint32_t state = 291;

  for (int round = 0; round < 2000; round++) {
    CLEANUP_STRBUF struct strbuf text = STRBUF_EMPTY, out = STRBUF_EMPTY;
    CLEANUP_STRBUF struct strbuf set = STRBUF_EMPTY, env = STRBUF_EMPTY;
    CLEANUP_FREE char *kernel = NULL, *entry = NULL;

    for (int i = 0; i < 300; i++) {
      static const char alphabet[] = "UUID=gone /,\t\n\r#'\"{}menuentry linux"
                                     "submenu$menuentry_id_option \\x";

      state = state * 1103515245 + 12345;
      strbuf_addch (&text, state >> 16 & 1
                               ? alphabet[(state >> 18) % (sizeof alphabet - 1)]
                               : (char)(state >> 20));
    }
    fstab_let_go (text.buf, text.len, &edit, &out);
    CU_ASSERT (out.len >= text.len);
    CU_ASSERT_EQUAL (lines_set (text.buf, text.len, "^UUID", "x", true, &set,
                                NULL),
                     0);
    entry = grub_previous (text.buf, text.len, &kernel);
    CU_ASSERT_EQUAL (grubenv_set (text.buf, text.len, "a", "b", &env, NULL),
                     -1);
  }
}

static const struct unit_case cases[] = {
    {"lines", test_lines},          {"fstab", test_fstab},
    {"devices", test_devices},      {"GRUB's environment", test_grubenv},
    {"GRUB's menu", test_grub_cfg}, {"junk", test_junk},
};
UNIT_MAIN ("lines", cases)
