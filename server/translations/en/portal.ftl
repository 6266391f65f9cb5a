archive-title = My archive
archive-lead = Everything of yours on this pod in one file: your posts, photos, comments, messages and contacts, and the secret key that your account moves with. It is yours; take it with you.
archive-running = Creating your archive
archive-queued = Your archive is in the queue
archive-percent = { $percent } per cent done.
archive-beginning = Starting …
archive-next = You are next.
archive-ahead = { $count ->
    [one] One person is before you.
   *[other] { $shown } people are before you.
 }
archive-waits = Something we need did not answer. We try again automatically; you don’t need to do anything.
archive-close-page = You can close this page and come back later: the work continues without you.
archive-mail-comes = We’ll e-mail you when it is ready.
archive-key-locked-later = Your key will be protected by your passphrase. We forget the passphrase as soon as the archive is complete.
archive-cancel = Cancel
archive-of = Archive of { $time }
archive-download = Download ({ $size })
archive-records = It contains { $count } records.
archive-contents = Contents
archive-contents-left-out = { $count ->
    [one] Contents (1 item missing)
   *[other] Contents ({ $count } items missing)
 }
archive-expires = It is kept here until { $day }, then it is deleted. You can create a new one as long as the pod exists.
archive-by-podmin = The podmin created it together with the archives of all accounts.
archive-stock = As two files for a pod without Pappus
archive-stock-text = Any diaspora* pod imports these two files in its settings under “Account”. The first download may take a moment to start.
archive-stock-locked = Your key is protected by a passphrase, which such pods cannot open. To move to one of them, create another archive without a passphrase.
archive-stock-document = Your data
archive-stock-photos = Your photos
archive-ask-title = Create your archive
archive-ask-again-title = Create a new archive
archive-ask-text = This takes from a few seconds to some minutes. It is kept here, encrypted, for { $days } days.
archive-ask-full = { $count ->
    [one] You have one archive here, and no more are kept for one account. Delete it to create a new one.
   *[other] You have { $count } archives here, and no more are kept for one account. Delete one to create a new one.
 }
archive-ask-mail = E-mail me when it is ready
archive-ask = Create my archive
archive-protect = Protect my key with a passphrase (optional)
archive-protect-text = Whoever has your archive could move your account. A passphrase prevents that, and you need it when you move. A forgotten passphrase cannot be recovered, and pods without Pappus cannot open such a key.
archive-passphrase = Passphrase, at least 10 characters
archive-passphrase-again = Repeat passphrase
archive-passphrase-different = The two passphrases differ. Please enter them again.
archive-passphrase-short = The passphrase is too short: it needs at least 10 characters.
archive-closed = Archives of this pod can no longer be downloaded. Please write to the podmin: there may be a copy.
archive-only-fetch = The pod itself is off, so no new archives are created. You can download those that exist.
archive-too-late = There is no archive of yours here, and the pod itself is off. Please write to the podmin, who may still be able to create one for you.
archive-next-title = What to do next
archive-next-keep = Save the archive in a safe place, such as your computer and a USB drive. Interrupted downloads resume.
archive-next-look = Unpack it and open index.html in your browser to see everything, even offline.
archive-next-pod = Choose a new pod, and ask its podmin for the page where newcomers upload their archive.
archive-next-stock = A pod without such a page takes the two files instead, see “As two files for a pod without Pappus”.
archive-next-stock-later = A pod without such a page takes two files instead: you will find them here too, beside your archive.
archive-next-move = Upload the archive there. The new pod tells your contacts where you are now, and most follow automatically.
archive-next-secret = The file holds your key: whoever has it can move your account. Do not send it to anybody.
archive-history = History
archive-was-done = Archive created.
archive-was-failed = The archive could not be created. Please write to the podmin.
archive-was-cancelled = You cancelled this request.
archive-was-expired = Archive created; it has expired and was deleted.
contents-title = Contents of your archive
contents-lead = As it was on { $time }.
contents-inside = Included
contents-kind = Type
contents-count = How many
contents-left-out = Missing
contents-nothing-left-out = Nothing is missing.
contents-left-out-text = These could not be included, mostly because the pod had lost a part of them.
contents-each = Each missing item, with the reason
contents-more = And { $count } more: manifest.json in the archive names all.
contents-signed = Signature and checksum
contents-signed-text = The archive is signed with your key and with the pod’s, so anybody can check that it has not been changed. This is the fingerprint of your key:
contents-key-locked = The key itself is protected by your passphrase.
contents-back = Back
archive-link-title = Your archive is ready
archive-link-text = The archive of { $account }. You can download it here without signing in.
mail-archive-subject = Your archive is ready
mail-archive-body = Hello { $account },

    your archive is ready. Download it here:

    { $link }

    The link works until { $until } and needs no password: do not pass it on.
    What to do next is explained on this page:

    { $page }
mail-failed-subject = Your archive could not be created
mail-failed-body = Hello { $account },

    your archive could not be created. This page says what went wrong, and you can
    try again there. If it fails again, write to the podmin:

    { $page }
archive-downloaded = { $times ->
    [one] You downloaded this on { $time }.
   *[other] You downloaded this { $times } times, last on { $time }.
 }
archive-expires-only = It is kept here until { $day }; then it is deleted.
archive-delete = Delete this archive
archive-delete-sure = Delete this archive?
archive-delete-numbers = The archive of { $time } ({ $size }, { $count } records) is deleted from this server, and links to it stop working. Copies that you downloaded stay as they are.
archive-delete-again = You can create a new one as long as the pod exists.
archive-delete-last = No new archives are created any more: delete it only if you have a copy.
archive-deleted = Archive deleted.
archive-was-deleted = Archive created; you deleted it.
contents-sha256 = Checksum (SHA-256) of the file that you download:
contents-sha256-file = Checksum file for the program sha256sum
