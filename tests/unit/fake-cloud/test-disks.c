/* Disks of the fake EC2 as files: copies, device links, and boots by content.
 */

#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/files.h>

#include "driver.h"

#define OK(words) CU_ASSERT_STRING_EQUAL (driver_call (&d, words), "ok")
#define IS(id, path, value)                                                    \
  CU_ASSERT_STRING_EQUAL (drive_state (d.cloud, id, path), value)

static char folder[] = "/tmp/bootmend-fake-disks.XXXXXX";

static void
put (const char *name, const char *text)
{
  CLEANUP_FREE char *path = path_join (folder, name);

  CU_ASSERT_EQUAL (file_write_atomic (path, text, strlen (text), 0600, NULL),
                   0);
}

static bool
holds (const char *name, const char *text)
{
  CLEANUP_FREE char *path = path_join (folder, name);
  CLEANUP_FREE char *content = NULL;
  size_t len;

  return file_read (path, 4096, &content, &len, NULL) == 0 &&
         strcmp (content, text) == 0;
}

/* The boot command here is grep: a disk boots if it says "good". */
static void
init (struct driver *d)
{
  CLEANUP_FREE char *patch = NULL;

  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (folder));
  put ("web.img", "bad content\n");
  put ("data.img", "data\n");
  patch =
      xasprintf ("{'images_folder':'%s','devices_folder':'%s/dev',"
                 " 'boot_command':['grep','good'],'aws':{'instances':["
                 "  {'id':'" WEB "','zone':'us-east-1a','platform':'windows',"
                 "   'root':{'id':'" WEB_VOL "','image':'%s/web.img'},"
                 "   'volumes':[{'id':'" WEB_DATA "','device':'/dev/sdf',"
                 "               'image':'%s/data.img'}]},"
                 "  {'id':'" HELPER
                 "','zone':'us-east-1a','devices':'%s/by-id'}]}}",
                 folder, folder, folder, folder, folder);
  driver_init (d, patch);
}

static void
release (struct driver *d)
{
  driver_release (d);
  folder_remove (folder, NULL);
  memcpy (folder + strlen (folder) - 6, "XXXXXX", 6);
}

static bool
link_is (const char *name, const char *target)
{
  CLEANUP_FREE char *path = path_join (folder, name);
  CLEANUP_FREE char *wanted = target ? path_join (folder, target) : NULL;
  CLEANUP_FREE char *real_wanted = wanted ? realpath (wanted, NULL) : NULL;
  char to[4096];
  ssize_t n = readlink (path, to, sizeof to - 1);

  if (n < 0 || real_wanted == NULL)
    return n < 0 && target == NULL;
  to[n] = '\0';
  return strcmp (to, real_wanted) == 0;
}

#define LINK "nvme-Amazon_Elastic_Block_Store_vol00000000000000001"
#define WEB_DATA_LINK                                                          \
  "dev/" WEB "/nvme-Amazon_Elastic_Block_Store_vol00000000000000011"

static void
test_links_follow_attachments (void)
{
  struct driver d;

  init (&d);
  CU_ASSERT_TRUE (link_is (WEB_DATA_LINK, "data.img"));
  CU_ASSERT_TRUE (link_is ("dev/" WEB "/" LINK, NULL)); /* its own root */
  OK ("StopInstances InstanceId.1=" WEB " SkipOsShutdown=true");
  driver_wait (&d, 5000);
  OK ("DetachVolume VolumeId=" WEB_VOL);
  driver_wait (&d, 2000);
  OK ("AttachVolume VolumeId=" WEB_VOL " InstanceId=" HELPER
      " Device=/dev/sdf");
  fake_cloud_time_ms (d.cloud);
  CU_ASSERT_TRUE (link_is ("by-id/" LINK, NULL)); /* still attaching */
  driver_wait (&d, 2000);
  fake_cloud_time_ms (d.cloud);
  CU_ASSERT_TRUE (link_is ("by-id/" LINK, "web.img"));
  OK ("DetachVolume VolumeId=" WEB_VOL);
  driver_wait (&d, 2000);
  fake_cloud_time_ms (d.cloud);
  CU_ASSERT_TRUE (link_is ("by-id/" LINK, NULL));
  release (&d);
}

static void
test_boots_by_content (void)
{
  struct driver d;

  init (&d);
  IS (WEB, "_status", "impaired");
  put ("web.img", "good content\n");
  IS (WEB, "_status", "impaired");
  OK ("RebootInstances InstanceId.1=" WEB);
  driver_wait (&d, 30000);
  IS (WEB, "_status", "ok");
  IS (WEB, "_console", "good content\n");
  release (&d);
}

static void
test_copies_are_of_then_and_go_with_their_object (void)
{
  struct driver d;
  CLEANUP_FREE char *snapshot = NULL, *volume = NULL, *words = NULL;
  CLEANUP_FREE char *snapshot_file = NULL, *volume_file = NULL;

  init (&d);
  OK ("CreateSnapshot VolumeId=" WEB_VOL);
  snapshot = xstrdup (driver_xml (&d, "snapshotId"));
  snapshot_file = xasprintf ("%s.img", snapshot);
  put ("web.img", "changed later\n");
  CU_ASSERT_TRUE (holds (snapshot_file, "bad content\n"));
  driver_wait (&d, 6000);
  words = xasprintf ("CreateVolume AvailabilityZone=us-east-1b SnapshotId=%s",
                     snapshot);
  OK (words);
  volume = xstrdup (driver_xml (&d, "volumeId"));
  volume_file = xasprintf ("%s.img", volume);
  CU_ASSERT_TRUE (holds (volume_file, "bad content\n"));
  put (volume_file, "written\n");
  CU_ASSERT_TRUE (holds (snapshot_file, "bad content\n"));
  driver_wait (&d, 2000);
  free (words);
  words = xasprintf ("DeleteVolume VolumeId=%s", volume);
  OK (words);
  driver_wait (&d, 1000);
  free (words);
  words = xasprintf ("DeleteSnapshot SnapshotId=%s", snapshot);
  OK (words);
  CU_ASSERT_FALSE (holds (volume_file, "written\n"));
  CU_ASSERT_FALSE (holds (snapshot_file, "bad content\n"));
  /* What the test brought stays the test's. */
  CU_ASSERT_TRUE (holds ("web.img", "changed later\n"));
  release (&d);
}

/* Holes stay holes: a fleet of 30 GiB disks fits on a laptop. */
static void
test_copies_are_sparse (void)
{
  struct driver d;
  CLEANUP_FREE char *image = NULL, *copy = NULL;
  struct stat st;

  init (&d);
  image = path_join (folder, "web.img");
  CU_ASSERT_EQUAL (truncate (image, (off_t)30 << 30), 0);
  OK ("CreateSnapshot VolumeId=" WEB_VOL);
  copy = xasprintf ("%s/%s.img", folder, driver_xml (&d, "snapshotId"));
  CU_ASSERT_EQUAL_FATAL (stat (copy, &st), 0);
  CU_ASSERT_EQUAL (st.st_size, (off_t)30 << 30);
  CU_ASSERT_TRUE (st.st_blocks < 4096);
  release (&d);
}

static const struct unit_case cases[] = {
    {"links follow attachments", test_links_follow_attachments},
    {"boots by content", test_boots_by_content},
    {"copies are of then and go with their object",
     test_copies_are_of_then_and_go_with_their_object},
    {"copies are sparse", test_copies_are_sparse},
};
UNIT_MAIN ("fake-cloud/disks", cases)
