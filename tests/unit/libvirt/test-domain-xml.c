/* What is read out of a domain's XML, and what is survived. */

#include "unit.h"

#include <string.h>

#include <base/strbuf.h>
#include <providers/xml.h>
#include <provider-libvirt/metadata.h>

#include "fixtures.h"

static void
test_os_disk_is_what_boots (void)
{
  static const struct {
    const char *file, *target;
    bool chosen, other, hostdev;
  } rows[] = {
      /* an empty cdrom before the disk does not count */
      {"uefi-boot-order.xml", "vdb", true, false, false},
      {"several-disks.xml", "vda", false, true, false},
      {"network.xml", "vda", false, false, false},
      {"odd-disk.xml", "vda", false, true, false},
      {"hostdev.xml", "vda", true, false, true},
      {"no-disk.xml", NULL, false, false, false},
      {"volume.xml", "vda", false, false, false},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_DOMAIN_XML struct domain_xml *domain = fixture (rows[i].file);
    const struct disk_xml *disk = domain_xml_os_disk (domain);

    CU_ASSERT_EQUAL (domain->os_disk_chosen, rows[i].chosen);
    CU_ASSERT_EQUAL (domain->boots_other, rows[i].other);
    CU_ASSERT_EQUAL (domain->boots_hostdev, rows[i].hostdev);
    CU_ASSERT_EQUAL (disk != NULL, rows[i].target != NULL);
    if (disk && rows[i].target)
      CU_ASSERT_STRING_EQUAL (disk->target, rows[i].target);
  }
}

static void
test_a_whole_domain (void)
{
  CLEANUP_DOMAIN_XML struct domain_xml *domain =
      fixture ("uefi-boot-order.xml");
  const struct disk_xml *disk = domain_xml_os_disk (domain);

  CU_ASSERT_STRING_EQUAL (domain->name, "uefi");
  CU_ASSERT_STRING_EQUAL (domain->title, "Payroll & co");
  CU_ASSERT_STRING_EQUAL (os_family (domain->os_id), "windows");
  CU_ASSERT_STRING_EQUAL (disk->type, "block");
  CU_ASSERT_STRING_EQUAL (disk->source, "/dev/vg0/uefi");
  CU_ASSERT_STRING_EQUAL (disk->serial, "WD-7");
  CU_ASSERT_EQUAL (domain->serial, SERIAL_FILE);
  CU_ASSERT_STRING_EQUAL (domain->serial_path, "/var/log/uefi-serial.log");
  CU_ASSERT_TRUE (domain->agent_channel && domain->agent_connected);
  CU_ASSERT_STRING_EQUAL (json_str (domain->mark, "campaign", ""), "c-1");
  CU_ASSERT_STRING_EQUAL (json_string_value (
                              json_object_get (domain->tags, "host/owner")),
                          "payroll");
  CU_ASSERT_STRING_EQUAL (json_string_value (
                              json_object_get (domain->tags, "host@rack")),
                          "r7");
  CU_ASSERT_PTR_NULL (json_object_get (domain->tags, "mark@campaign"));
}

static void
test_chain_serial_manager (void)
{
  CLEANUP_DOMAIN_XML struct domain_xml *several = fixture ("several-disks.xml");
  CLEANUP_DOMAIN_XML struct domain_xml *odd = fixture ("odd-disk.xml");
  CLEANUP_DOMAIN_XML struct domain_xml *network = fixture ("network.xml");
  const struct disk_xml *disk = domain_xml_os_disk (several);

  CU_ASSERT_EQUAL_FATAL (disk->backing.len, 2);
  CU_ASSERT_STRING_EQUAL (disk->backing.ptr[0], "/images/base.qcow2");
  CU_ASSERT_STRING_EQUAL (disk->backing.ptr[1], "/images/root.img");
  CU_ASSERT_EQUAL (several->serial, SERIAL_PTY);
  CU_ASSERT_PTR_NULL (several->mark);
  CU_ASSERT_STRING_EQUAL (odd->manager, "OpenStack Nova");
  CU_ASSERT_TRUE (odd->direct_kernel);
  CU_ASSERT_EQUAL (odd->serial, SERIAL_NONE);
  disk = domain_xml_os_disk (odd);
  CU_ASSERT_TRUE (disk->encrypted && disk->sliced && disk->transient &&
                  disk->readonly && disk->shareable);
  disk = domain_xml_os_disk (network);
  CU_ASSERT_STRING_EQUAL (disk->source, "rbd:pool/net-1");
  CU_ASSERT_STRING_EQUAL (disk->format, "raw");
}

static void
test_snapshot_overlays (void)
{
  CLEANUP_FREE char *text = fixture_text ("snapshot.xml");
  struct str_vec overlays = VEC_EMPTY;

  snapshot_xml_overlays (text, &overlays);
  snapshot_xml_overlays ("<no xml", &overlays);
  CU_ASSERT_EQUAL_FATAL (overlays.len, 1);
  CU_ASSERT_STRING_EQUAL (overlays.ptr[0], "/images/over.s1");
  str_vec_free_all (&overlays);
}

static void
refused (const char *text, const char *why)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_DOMAIN_XML struct domain_xml *domain =
      domain_xml_parse (text, "vm", &err);

  CU_ASSERT_PTR_NULL (domain);
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  CU_ASSERT_EQUAL (err->code, ERR_INPUT);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, why));
  CU_ASSERT_PTR_NULL (strchr (err->msg, '\n'));
}

static void
test_bad_xml_is_one_clear_error (void)
{
  CLEANUP_FREE char *dtd = fixture_text ("bad-dtd.xml");
  CLEANUP_FREE char *cut = fixture_text ("bad-cut.xml");
  CLEANUP_FREE char *root = fixture_text ("bad-root.xml");
  CLEANUP_STRBUF struct strbuf deep = STRBUF_EMPTY;
  CLEANUP_STRBUF struct strbuf huge = STRBUF_EMPTY;

  for (int i = 0; i < 100000; i++)
    strbuf_addstr (&deep, "<a>");
  strbuf_addstr (&huge, "<domain><name>");
  for (int i = 0; i < XML_MAX_BYTES / 16; i++)
    strbuf_addstr (&huge, "sixteen letters.");
  strbuf_addstr (&huge, "</name></domain>");
  refused (dtd, "DTD");
  refused (cut, "no valid XML");
  refused (root, "no <domain>");
  refused (deep.buf, "no valid XML");
  refused (huge.buf, "limit");
  refused ("", "no valid XML");
  refused ("\xff\xfe<", "no valid XML");
}

static void
test_poor_xml_gives_defaults (void)
{
  CLEANUP_DOMAIN_XML struct domain_xml *domain = domain_xml_parse (
      "<domain><devices><disk><boot order='99999999999999999999'/></disk>"
      "<disk/><serial/><channel/></devices><metadata><x/></metadata></domain>",
      "vm", NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (domain);
  CU_ASSERT_PTR_NULL (domain->name);
  CU_ASSERT_EQUAL (domain->disks.len, 2);
  CU_ASSERT_PTR_NOT_NULL (domain_xml_os_disk (domain));
  CU_ASSERT_PTR_NULL (domain_xml_os_disk (domain)->source);
  CU_ASSERT_EQUAL (domain->serial, SERIAL_OTHER);
}

static void
same (const char *xml, const char *expected)
{
  CLEANUP_FREE char *text = definition_without_mark (xml);

  CU_ASSERT_STRING_EQUAL (text, expected);
}

#define MARK                                                                   \
  "<bootmend:mark xmlns:bootmend=\"urn:bootmend:mark:1\" campaign=\"a/b&gt;\"" \
  " controller=\"x\" since=\"\"/>\n"
#define BODY "  <memory>1</memory>\n  <devices/>\n</domain>\n"

static void
test_definition_without_mark (void)
{
  static const char plain[] = "<domain>\n" BODY;
  static const char others[] =
      "<domain>\n  <metadata>\n    <a:x xmlns:a=\"u\"/>\n  </metadata>\n" BODY;
  static const char nested[] =
      "<domain>\n  <metadata>\n    <q xmlns=\"u\">\n"
      "      <metadata/>\n    </q>\n  </metadata>\n" BODY;

  same (plain, plain);
  same (others, others);
  same (nested, nested);
  same ("<domain>\n  <metadata/>\n" BODY, plain);
  same ("<domain>\n  <metadata>\n    " MARK "  </metadata>\n" BODY, plain);
  same ("<domain>\n  <metadata>\n    <a:x xmlns:a=\"u\"/>\n    " MARK
        "  </metadata>\n" BODY,
        others);
  same ("<domain>\n  <metadata>\n    " MARK
        "    <a:x xmlns:a=\"u\"/>\n  </metadata>\n" BODY,
        others);
  /* somebody else's element of that name is none of ours */
  same ("<domain>\n  <metadata>\n    <bootmend:mark xmlns:bootmend=\"u\"/>\n"
        "  </metadata>\n" BODY,
        "<domain>\n  <metadata>\n    <bootmend:mark xmlns:bootmend=\"u\"/>\n"
        "  </metadata>\n" BODY);
}

static void
test_mark_round_trip (void)
{
  CLEANUP_JSON json_t *mark =
      json_make ("{s:s, s:s, s:s}", "campaign", "<a> & \"b\" />", "controller",
                 "ops@h", "since", "2024-07-19T04:09:00Z");
  CLEANUP_FREE char *text = mark_to_text (mark, false);
  CLEANUP_FREE char *alone = mark_to_text (mark, true);
  CLEANUP_JSON json_t *back = mark_from_text (text);
  CLEANUP_JSON json_t *back_alone = mark_from_text (alone);

  CU_ASSERT_TRUE (json_equal (mark, back));
  CU_ASSERT_TRUE (json_bool (back_alone, "alone", false));
  /* definition_without_mark looks for the first "/>" */
  CU_ASSERT_EQUAL (strstr (text, "/>") - text, (long)strlen (text) - 2);
  CU_ASSERT_PTR_NULL (mark_from_text ("<other/>"));
  CU_ASSERT_PTR_NULL (mark_from_text ("<mark"));
}

static const struct unit_case cases[] = {
    {"the OS disk is what boots", test_os_disk_is_what_boots},
    {"a whole domain", test_a_whole_domain},
    {"chain, serial, manager", test_chain_serial_manager},
    {"snapshot overlays", test_snapshot_overlays},
    {"bad XML is one clear error", test_bad_xml_is_one_clear_error},
    {"poor XML gives defaults", test_poor_xml_gives_defaults},
    {"definition without mark", test_definition_without_mark},
    {"mark round trip", test_mark_round_trip},
};

UNIT_MAIN ("libvirt-domain-xml", cases)
