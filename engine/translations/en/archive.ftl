view-title = { $section } – { $name }
view-title-page = { $section }, page { $number } – { $name }
view-title-index = { $name } – archive of a diaspora* account
view-skip = Skip to content
view-parts = Parts of this archive
view-overview = Overview
view-posts = Posts
view-contacts = Contacts
view-comments = Comments
view-likes = Likes
view-conversations = Conversations
view-photos = Other photos
view-omissions = What was left out
view-footer = Archive of { $account }, made on { $day }. These pages show what lies in this folder. They load nothing from the internet; only links that you follow lead there.
view-pages = Pages
view-page = Page { $number }
view-previous = Previous page
view-next = Next page
view-moment = { $day }, { $time }
view-no-year = { $day } { $month }
view-times = Times are in universal time (UTC), the time of London in winter.
view-oldest-first = The oldest come first.
view-to-years = Go to a year
view-months = Months
view-comments-intro = What { $name } wrote under posts.
view-likes-intro = What { $name } liked.
view-conversations-intro = These were private: think of the others before you show them to anyone.
view-photos-intro = Photos that belong to no post. All others are shown with their posts.
view-omissions-intro = Each of these is missing from the archive, wholly or in part, for the reason beside it.
view-unpack-title = Unpack the archive first.
view-unpack = This page was opened inside the ZIP file, where photos and links do not work. Close it, unpack the whole ZIP file (“Extract all”), and open { $file } in the new folder.
view-account = Account
view-pod = Pod
view-made = Archive made
view-made-at = { $time }, universal time (UTC)
view-contents = What is in here
view-empty = There are no records in this archive.
view-kind = Kind
view-count = How many
view-kinds-without-page = Kinds without a link are kept for your next pod and have no page of their own.
view-years = Posts by year
view-year-posts = { $count ->
    [one] post
   *[other] posts
 }
view-newest-posts = Go to the page with the newest posts
view-nothing-omitted = Nothing: all that the pod had of this account is here.
view-omitted = { $count ->
    [one] One record is missing, wholly or in part:
   *[other] { $number } records are missing, wholly or in part:
 }
view-show-omissions = Show each of them
view-see-omissions = See each of them
view-unlisted = , except { $number } that are only counted
view-next-steps = What to do next
view-keep-title = Keep the archive safe
view-keep = Keep the ZIP file itself, as you received it, in at least two places, such as your computer and a USB drive. It holds the <strong>private key</strong> of your account (in { $file }): whoever has it can move your account in your name. Do not put it, or its unpacked folder, where others can read it. If you chose a passphrase, keep that too; nobody can recover it.
view-move-title = Take it to a new pod
view-move = Find a new pod, and ask its podmin for the page where newcomers upload their archive. Upload this ZIP file there: whole, not unpacked. You choose a username and a password on that page; do not create an account before. The pod then tells your contacts where you have moved. Until then, nothing changes for them.
view-move-stock = A pod without such a page takes two other files instead. You can download them beside this archive, or make them with Pappus:
view-check-title = Check that it is genuine
view-check = { $manifest } lists every file with its SHA-256 digest. Two signatures vouch for that list: one made with your account’s key, one with the pod’s. With Pappus at hand, this checks all of them:
view-check-by-hand = Without it, unpack the archive. Copy { $public_key } of the { $account } from { $manifest } into a file { $file } (each { $newline } in it stands for the end of a line), then:
view-check-result = The second must print “Verified OK”; the digest of each file must be the one in { $manifest }.
view-mutual = You share with each other
view-shares-with-you = Shares with you
view-you-share = You share with them
view-not-sharing = Not sharing
view-public = Public
view-limited = Limited
view-client = from { $client }
view-reshare = Reshared a post by { $author }
view-reshare-gone = Reshared a post that is gone.
view-look-on = Look for it on { $host }
view-poll = Poll:
view-votes = { $count ->
    [one] 1 vote
   *[other] { $number } votes
 }
view-place = At { $place }
view-like-count = { $count ->
    [one] 1 like
   *[other] { $number } likes
 }
view-comment-count = { $count ->
    [one] 1 comment
   *[other] { $number } comments
 }
view-comment-on = On { $post }
view-liked = Liked { $post }
view-liked-comments = { $count ->
    [one] Liked a comment, which has no page of its own
   *[other] Liked { $number } comments, which have no pages of their own
 }
view-post-by = a post by { $author } of { $day }
view-own-post = your own post of { $day }
view-quote = “{ $text }”
view-unknown-post = a post that is not in this archive
view-no-subject = Without a subject
view-continued = (continued)
view-between = Between { $people } · begun { $time }
view-photo = Photo without a description
view-photo-of = Photo { $number } of { $total }, without a description
view-photo-missing = Photo not in this archive:
view-profile-picture = Profile picture
view-birthday = Birthday
view-gender = Gender
view-location = Place
view-tags = Tags
view-row = no. { $number }
