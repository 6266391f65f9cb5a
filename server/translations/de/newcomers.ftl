board-newcomers = Neue Leute
newcomers-title = Umziehen
newcomers-heading = Umziehen nach { $pod }
newcomers-lead = Bring dein Archiv von einem anderen Pod mit: Deine Beiträge, Fotos, Kommentare, Nachrichten und Kontakte kommen mit, und deine Kontakte erfahren, wo du jetzt bist.
newcomers-begin-title = Wie es geht
newcomers-step-archive = Du lädst das Archiv hoch, das du von deinem alten Pod heruntergeladen hast. Wenn du noch keins hast, hol es dir zuerst dort: in den Einstellungen unter „Konto“, oder auf der Seite, die dir der Podmin dort genannt hat.
newcomers-step-look = Wir prüfen es und zeigen dir, was mitkäme. Geändert wird dabei nichts.
newcomers-step-choose = Du wählst einen Namen und ein Passwort für diesen Pod.
newcomers-step-podmin = Der Podmin dieses Pods stimmt deiner Anfrage zu. Das kann ein, zwei Tage dauern.
newcomers-step-tell = { $minutes ->
    [0] Dein Konto zieht hierher, und wir sagen es den Pods deiner Freunde sofort.
    [one] Dein Konto zieht hierher. Eine Minute lang kannst du das rückgängig machen; danach sagen wir es den Pods deiner Freunde.
   *[other] Dein Konto zieht hierher. { $minutes } Minuten lang kannst du das rückgängig machen; danach sagen wir es den Pods deiner Freunde.
 }
newcomers-invitation = Dein Einladungscode
newcomers-invitation-help = Dieser Pod nimmt Leute mit einem Einladungscode auf. Wenn du keinen hast, frag den Podmin danach.
newcomers-invitation-wrong = Diesen Code kennen wir nicht, oder er wurde schon benutzt. Frag bitte nach, wo du ihn bekommen hast.
newcomers-begin = Starten
newcomers-cookie = Damit wir dich wiedererkennen, behält dein Browser ein Cookie. Es dient zu nichts anderem.
newcomers-closed = Dein Archiv bleibt gültig: Du kannst es zu einem anderen Pod bringen oder später wiederkommen.
newcomers-too-many = Heute haben viele mit dem Umzug angefangen. Komm bitte morgen wieder; dein Archiv bleibt gültig.
newcomers-left = Dein Umzug ist beendet. Hier ist nichts mehr von dir.
newcomers-forgotten = Dieser Browser hat deinen Umzug vergessen. Dein Konto hier bleibt, wie es ist, und dein privater Link gilt weiter.
newcomers-uploading-title = Lade dein Archiv hoch
newcomers-uploading-text = Wähle die Datei, die du von deinem alten Pod heruntergeladen hast. Sie endet auf .zip oder .json.gz; ist sie verschlüsselt, auf .age.
newcomers-checking-title = Dein Archiv wird geprüft
newcomers-checking-text = Wir prüfen, ob es vollständig und deins ist, und was mitkäme. Geändert wird dabei nichts.
newcomers-refused-title = Dieses Archiv kann nicht angenommen werden
newcomers-refused-text = Geändert wurde nichts. Du kannst eine andere Datei hochladen.
newcomers-checked-title = Dein Archiv ist in Ordnung
newcomers-checked-text = Unten siehst du, was mitkäme. Geändert ist noch nichts. Wenn du so weit bist, wähle einen Namen und ein Passwort und klick auf die Schaltfläche.
newcomers-waiting-title = Jetzt entscheidet der Podmin
newcomers-waiting-text = { $minutes ->
    [0] Der Podmin dieses Pods sieht, was du mitbringst, und stimmt deiner Anfrage zu oder lehnt sie ab. Stimmt er zu, zieht dein Konto hierher, und wir sagen es den Pods deiner Freunde sofort. Du musst nichts tun.
    [one] Der Podmin dieses Pods sieht, was du mitbringst, und stimmt deiner Anfrage zu oder lehnt sie ab. Stimmt er zu, zieht dein Konto hierher, und eine Minute später sagen wir es den Pods deiner Freunde. Du musst nichts tun.
   *[other] Der Podmin dieses Pods sieht, was du mitbringst, und stimmt deiner Anfrage zu oder lehnt sie ab. Stimmt er zu, zieht dein Konto hierher, und { $minutes } Minuten später sagen wir es den Pods deiner Freunde. Du musst nichts tun.
 }
newcomers-waiting-key-lost = Der Podmin dieses Pods sieht, was du mitbringst, und stimmt deiner Anfrage zu oder lehnt sie ab. Stimmt er zu, zieht dein Konto hierher. Ohne die Passphrase deines Schlüssels können wir es den Pods deiner Freunde nicht sagen: Du sagst es deinen Freunden selbst.
newcomers-declined-title = Anfrage abgelehnt
newcomers-declined-text = Der Podmin hat deine Anfrage abgelehnt. Dein Konto ist nicht umgezogen, und was du hochgeladen hattest, ist gelöscht. Dein Archiv ist so gut wie vorher: Du kannst es zu einem anderen Pod bringen.
newcomers-importing-title = Dein Konto wird importiert
newcomers-importing-text = Das dauert von wenigen Sekunden bis zu einigen Minuten, mit vielen Fotos länger.
newcomers-failed-title = Es hat nicht geklappt
newcomers-failed-text = Dein Konto konnte nicht vollständig importiert werden. Die Pods deiner Freunde wissen noch nichts, also ist nichts verloren: Versuch es noch einmal, oder mach es rückgängig. Wenn es wieder passiert, schreib dem Podmin.
newcomers-imported-title = Import abgeschlossen
newcomers-imported-text = Dein Konto ist auf diesem Pod. Die Pods deiner Freunde wissen davon noch nichts.
newcomers-announcing-title = Wir schreiben deinen Kontakten
newcomers-announcing-text = Was die anderen Pods erfahren sollen, wird gerade geschrieben.
newcomers-announced-title = Willkommen
newcomers-announced-text = Die Pods deiner Kontakte erfahren jetzt, dass du hier bist. Die meisten Kontakte folgen von selbst. Pods, die nicht antworten, werden vier Wochen lang wieder versucht.
newcomers-undoing-title = Dein Umzug wird rückgängig gemacht
newcomers-undoing-text = Alles, was importiert wurde, wird von diesem Pod entfernt.
newcomers-undone-title = Umzug rückgängig gemacht
newcomers-undone-text = Alles, was importiert worden war, ist von diesem Pod entfernt, und niemand hat davon erfahren. Dein Archiv bleibt gültig.
newcomers-expired-title = Dieser Umzug ist abgelaufen
newcomers-expired-text = Es ist zu lange nichts geschehen, deshalb ist dieser Umzug beendet. Von dir ist hier nichts mehr.
newcomers-hand-in-title = Deine Datei
newcomers-hand-in-text = Sie darf bis zu { $size } groß sein. Sie bleibt höchstens { $days } Tage auf diesem Server und wird gelöscht, sobald dein Umzug fertig ist.
newcomers-archive = Das Archiv
newcomers-more-files = Ich habe zwei Dateien oder eine Passphrase
newcomers-photos = Die Fotos (nur wenn dein alter Pod sie dir als eigene Datei gegeben hat)
newcomers-passphrase = Die Passphrase des Archivs (nur wenn die Datei auf .age endet)
newcomers-hand-in = Hochladen
newcomers-sending = {"{here}"} von {"{all}"} hochgeladen
newcomers-broken = Verbindung unterbrochen; wir versuchen es weiter …
newcomers-upload-failed = Das Hochladen ist fehlgeschlagen. Lade die Seite neu und wähle dieselbe Datei noch einmal: Es wird fortgesetzt.
newcomers-too-large = Diese Datei ist größer, als dieser Pod annimmt. Frag bitte den Podmin.
newcomers-full = Für weitere Archive ist gerade kein Platz. Versuch es bitte morgen wieder; dein Archiv bleibt gültig.
newcomers-empty = Es ist keine Datei angekommen. Wähle bitte das Archiv.
newcomers-no-photos = Die Fotos sind nicht vollständig angekommen. Lade sie bitte noch einmal hoch, oder mach nur mit dem Archiv weiter.
newcomers-close-page = Du kannst diese Seite schließen und später wiederkommen: Es geht ohne dich weiter.
newcomers-pause = { $minutes ->
    [one] Du kannst es bis { $time } rückgängig machen, noch eine Minute lang. Danach sagen wir es den Pods deiner Freunde.
   *[other] Du kannst es bis { $time } rückgängig machen, noch { $minutes } Minuten lang. Danach sagen wir es den Pods deiner Freunde.
 }
newcomers-pause-lost = Kommentare und Gefällt-mir-Angaben, die Freunde in diesen Minuten unter deine Beiträge schreiben, können verloren gehen, und auch das, was du jetzt schreibst.
newcomers-held = Wir haben es den Pods deiner Freunde nicht gesagt und warten auf dich. Bis sie es wissen, gehen Kommentare und Gefällt-mir-Angaben unter deinen Beiträgen endgültig verloren, ihre und deine.
newcomers-later = Etwas, das wir brauchen, hat nicht geantwortet. Wir versuchen es von selbst wieder; du musst nichts tun.
newcomers-stage-next = In der Warteschlange; es beginnt von selbst.
newcomers-stage-ahead = { $count ->
    [one] In der Warteschlange: Eine Person ist vor dir. Es beginnt von selbst.
   *[other] In der Warteschlange: { $shown } Personen sind vor dir. Es beginnt von selbst.
 }
newcomers-stage-verifying = Jedes Byte des Archivs wird geprüft.
newcomers-stage-planning = Wir zählen, was mitkäme.
newcomers-stage-photos = Deine Fotos werden abgelegt.
newcomers-stage-pictures = Deine Fotos werden geprüft.
newcomers-stage-people = Leute, die du kennst, werden auf ihren Pods nachgeschlagen.
newcomers-stage-posts = Beiträge, auf die du geantwortet hast, werden geholt.
newcomers-stage-records = Deine Beiträge, Kommentare und Nachrichten werden geschrieben.
newcomers-details = Technische Einzelheiten (auf Englisch)
newcomers-plan-title = Was mitkäme
newcomers-report-title = Was mitgekommen ist
newcomers-table = Anzahl nach Art
newcomers-what = Was
newcomers-in-archive = Im Archiv
newcomers-new = Neu hier
newcomers-here = Schon hier
newcomers-left-out = Nicht dabei
newcomers-findings = Was weggelassen oder geändert wird, und warum
newcomers-subject-account = Konto
newcomers-subject-profile = Profil
newcomers-fetched = { $count ->
    [one] Ein Beitrag von jemand anderem kommt mit, weil du darauf geantwortet, ihn gemocht oder geteilt hast.
   *[other] { $count } Beiträge von anderen kommen mit, weil du darauf geantwortet, sie gemocht oder geteilt hast.
 }
newcomers-needs = { $minutes ->
    [one] Es dauert etwa eine Minute und braucht { $photos } für deine Fotos in mehreren Größen.
   *[other] Es dauert etwa { $minutes } Minuten und braucht { $photos } für deine Fotos in mehreren Größen.
 }
newcomers-unproven = Nichts beweist, dass dieses Archiv deins ist: Dein alter Pod antwortet nicht, und dieser Pod kennt dich noch nicht. Das ist oft so. Der Podmin entscheidet; es hilft, wenn du ihm schreibst.
newcomers-plan-no-key = In diesem Archiv ist kein brauchbarer Schlüssel, deshalb würden andere Pods den Umzug nicht glauben. Dein Konto kann trotzdem hierher ziehen, aber du musst es deinen Kontakten selbst sagen.
newcomers-choose-link = Name und Passwort wählen
newcomers-choose-title = Dein Name und Passwort hier
newcomers-username = Dein Name auf { $pod }
newcomers-username-help = Kleinbuchstaben, Ziffern, Unterstriche, Punkte und Bindestriche; er kann später nicht geändert werden.
newcomers-email = Deine E-Mail-Adresse
newcomers-password = Passwort, mindestens 6 Zeichen
newcomers-password-again = Passwort wiederholen
newcomers-password-length = Das Passwort braucht 6 bis 128 Zeichen.
newcomers-password-different = Die beiden Passwörter sind nicht gleich. Tipp sie bitte noch einmal ein.
newcomers-name-letters = Der Name darf nur Kleinbuchstaben, Ziffern, Unterstriche, Punkte und Bindestriche enthalten.
newcomers-name-taken = Jemand auf diesem Pod hat oder hatte diesen Namen. Wähle bitte einen anderen.
newcomers-name-known-elsewhere = Diesen Namen hatte hier ein anderes Konto, dessen Umzug rückgängig gemacht wurde, und andere Pods kennen ihn vielleicht noch mit dem Schlüssel jenes Kontos. Bitte wähle einen anderen Namen.
newcomers-email-wrong = Das ist keine E-Mail-Adresse, oder ein anderes Konto auf diesem Pod benutzt sie.
newcomers-terms = Ich nehme die Bedingungen dieses Pods an.
newcomers-terms-read = Die Bedingungen lesen
newcomers-terms-missing = Bitte nimm zuerst die Bedingungen dieses Pods an.
newcomers-come = Jetzt umziehen
newcomers-ask = Um den Umzug bitten
newcomers-look-around = Sieh dich auf dem Pod um (öffnet ein neues Fenster)
newcomers-announce-title = Sag es deinen Freunden
newcomers-announce-explained = Wir sagen den Pods deiner Freunde, dass du umgezogen bist. Das lässt sich nicht rückgängig machen, und ein Konto zieht nur einmal um.
newcomers-key-passphrase = Die Passphrase deines Schlüssels, die du gewählt hast, als das Archiv erstellt wurde
newcomers-key-passphrase-help = Die Pods deiner Freunde glauben den Umzug nur, wenn dein Schlüssel ihn unterschreibt. Die Passphrase wird bis dahin verschlüsselt aufgehoben.
newcomers-key-passphrase-missing = Tipp bitte die Passphrase deines Schlüssels ein. Wenn du sie verloren hast, kreuz das Kästchen darunter an.
newcomers-passphrase-lost = Ich habe diese Passphrase verloren. Mein Konto zieht trotzdem um, und ich sage es meinen Freunden selbst.
newcomers-move-explained = { $minutes ->
    [0] Dein Konto zieht hierher, und wir sagen es den Pods deiner Freunde sofort. Das lässt sich nicht rückgängig machen, und ein Konto zieht nur einmal um.
    [one] Dein Konto zieht hierher, und eine Minute später sagen wir es den Pods deiner Freunde. Bis dahin kannst du es rückgängig machen; ein Konto zieht nur einmal um.
   *[other] Dein Konto zieht hierher, und { $minutes } Minuten später sagen wir es den Pods deiner Freunde. Bis dahin kannst du es rückgängig machen; ein Konto zieht nur einmal um.
 }
newcomers-ask-explained = { $minutes ->
    [0] Sobald der Podmin zugestimmt hat, zieht dein Konto hierher, und wir sagen es den Pods deiner Freunde sofort. Das lässt sich nicht rückgängig machen, und ein Konto zieht nur einmal um.
    [one] Sobald der Podmin zugestimmt hat, zieht dein Konto hierher, und eine Minute später sagen wir es den Pods deiner Freunde. Bis dahin kannst du es rückgängig machen; ein Konto zieht nur einmal um.
   *[other] Sobald der Podmin zugestimmt hat, zieht dein Konto hierher, und { $minutes } Minuten später sagen wir es den Pods deiner Freunde. Bis dahin kannst du es rückgängig machen; ein Konto zieht nur einmal um.
 }
newcomers-announce = Meinen Freunden jetzt Bescheid geben
newcomers-undo-title = Rückgängig machen
newcomers-undo-explained = Alles, was hierher gekommen ist, wird wieder von diesem Pod entfernt. Schreib vorher nichts mit dem neuen Konto: Das würde auch entfernt.
newcomers-undo = Rückgängig machen
newcomers-stop-title = Import abbrechen
newcomers-stop-explained = Der Import hört auf, und was schon importiert ist, wird wieder entfernt. Dein Archiv bleibt gültig, und du kannst noch einmal anfangen.
newcomers-stop = Import abbrechen
newcomers-stop-sure = Den Import abbrechen?
newcomers-again = Noch einmal versuchen
newcomers-sign-in = Beim Pod anmelden
newcomers-who-was-told = Stand der Zustellung
newcomers-keep-title = Dein privater Link
newcomers-keep-text = Mit diesem Link kommst du von einem anderen Browser oder Gerät auf diese Seite zurück. Behalt ihn für dich: Wer ihn hat, kann hier für dich handeln.
newcomers-keep-link = Dein Link
newcomers-expires = Wenn nichts geschieht, wird am { $day } gelöscht, was du hochgeladen hast.
newcomers-leave = Umzug abbrechen und alles löschen
newcomers-leave-empty = Umzug abbrechen
newcomers-forget = In diesem Browser vergessen
newcomers-back-title = Weiter mit deinem Umzug
newcomers-back-text = Dieser Link führt zu einem Umzug, der am { $time } angefangen wurde.
newcomers-back-own = Mach nur weiter, wenn du diesen Link selbst gespeichert hast. Wenn ihn dir jemand geschickt hat, bekäme diese Person dein Archiv.
newcomers-back = Weiter
newcomers-problem-blocked = Dieser Pod nimmt niemanden von deinem alten Pod auf. Frag bitte den Podmin, oder versuch es bei einem anderen Pod.
newcomers-problem-own-pod = Dieses Archiv gehört zu einem Konto auf genau diesem Pod. Wo es herkommt, kann es nicht importiert werden.
newcomers-problem-moved = Dieses Konto ist schon umgezogen, auf diesen Pod oder einen anderen, und ein Konto zieht nur einmal um. Melde dich auf dem Pod an, auf dem es jetzt ist.
newcomers-problem-before = Dieses Konto ist schon einmal auf diesen Pod importiert worden, unter einem anderen Namen oder aus einem anderen Archiv.
newcomers-problem-closed = Dieses Konto ist hier nach dem Import geschlossen worden. Es lässt sich nichts mehr hinein importieren.
newcomers-problem-wrong-key = Der Schlüssel in diesem Archiv ist nicht der, den andere Pods kennen. Vielleicht hat es jemand anderes gemacht, deshalb wird es nicht angenommen.
newcomers-problem-unreadable-key = Dieser Pod kennt dein Konto, kann aber den Schlüssel nicht lesen, den er dazu gespeichert hat. Deshalb weiß er nicht, ob das Archiv deins ist. Sag es bitte dem Podmin, und versuch es danach noch einmal.
newcomers-problem-no-space = Für die Fotos ist auf diesem Pod gerade kein Platz. Sag es bitte dem Podmin.
newcomers-problem-passphrase = Diese Passphrase öffnet deinen Schlüssel nicht. Tipp sie bitte noch einmal ein.
newcomers-problem-key-locked = Dein Schlüssel hat eine Passphrase, und ohne sie können wir es den Pods deiner Freunde nicht sagen. Wenn du sie wiederfindest, tipp sie unten ein.
newcomers-problem-no-key = In diesem Archiv ist kein brauchbarer Schlüssel, deshalb würden andere Pods den Umzug nicht glauben. Dein Konto bleibt unter dem neuen Namen hier; sag es deinen Kontakten bitte selbst.
newcomers-problem-away = Etwas, das wir brauchen, hat lange nicht geantwortet. Sag es bitte dem Podmin, und versuch es noch einmal.
newcomers-problem-too-heavy = Dein Archiv ließ sich mehrmals nicht verarbeiten: Vielleicht braucht es mehr Speicher oder Zeit, als dieser Pod zulässt. Sag es bitte dem Podmin, der es von Hand importieren kann.
newcomers-problem-stopped = Der Podmin hat die Arbeit an deinem Archiv gestoppt. Frag ihn bitte nach dem Grund, bevor du es noch einmal versuchst.
newcomers-problem-many-pods = Deine Kontakte sind auf sehr vielen Pods. Ein Podmin sieht sich das an, bevor es allen gesagt wird; du musst nichts tun.
newcomers-problem-changed = Die Dateien sind nicht die, die geprüft wurden. Mach diesen Umzug rückgängig und beginne neu.
newcomers-problem-other = Etwas stimmt mit dem Archiv nicht. Die Einzelheiten darunter sagen mehr.
newcomers-finding-unreadable = weggelassen: Es lässt sich nicht lesen
newcomers-finding-guid-taken = weggelassen: Der Name gehört hier zu etwas von jemand anderem
newcomers-finding-parent-missing = weggelassen: Wozu es gehört, ist nicht auf diesem Pod
newcomers-finding-parent-not-visible = weggelassen: Du darfst den Beitrag nicht sehen, zu dem es gehört
newcomers-finding-parent-not-own = weggelassen: Es steht unter einem Beitrag, der nicht deiner ist
newcomers-finding-person-unknown = weggelassen: Hier kennt niemand die Person, und ihr Pod antwortet nicht
newcomers-finding-person-closed = weggelassen: Die Person hat ihr Konto geschlossen
newcomers-finding-signature-bad = zurückgehalten: Nicht von der Person unterschrieben, von der es sein soll
newcomers-finding-signature-incomplete = zurückgehalten: Die Unterschrift lässt aus, worum es geht
newcomers-finding-unsigned = zurückgehalten: Es hat keine Unterschrift
newcomers-finding-key-unknown = zurückgehalten: Der Schlüssel der Person ist nicht bekannt
newcomers-finding-duplicate = weggelassen: Dasselbe ist schon da
newcomers-finding-own-person = weggelassen: Das bist du
newcomers-finding-file-missing = behalten, aber die Datei ist nicht im Archiv
newcomers-finding-not-a-picture = weggelassen: Die Datei ist kein Bild, oder ein zu großes
newcomers-finding-no-space = für diese Dateien ist kein Platz
newcomers-finding-file-taken = weggelassen: Eine andere Datei heißt hier so
newcomers-finding-too-long = weggelassen: Es ist länger, als dieser Pod fassen kann
newcomers-finding-cannot-hold = weggelassen: Die Datenbank dieses Pods kann es so nicht fassen
newcomers-finding-deleted-since = weggelassen: war schon hier und ist seitdem gelöscht worden
newcomers-finding-shortened = behalten, aber auf die Länge gekürzt, die dieser Pod annimmt
newcomers-finding-old-pod-tls = der bisherige Pod konnte nicht sagen, wem das Archiv gehört: seine TLS-Verbindung ist nicht sicher
newcomers-finding-unproven = auf das Wort des Podmins hin angenommen: Nichts beweist, dass das Archiv zu diesem Konto gehört
newcomers-finding-replaced = behalten, aber mit ersetzten Zeichen, die die Datenbank dieses Pods nicht fassen kann
newcomers-finding-kept-as-here = bleibt, wie es hier ist: in diesem Archiv steht ein anderer Wert
newcomers-finding-gone-from-archive = bleibt, obwohl dieses Archiv es nicht mehr enthält
newcomers-finding-value-left-out = übernommen bis auf einen Wert, der sich nicht lesen lässt
told-title = Stand der Zustellung
told-lead = Die Pods deiner Kontakte erfahren, wo du jetzt bist. Die meisten Kontakte folgen von selbst.
told-friends = Freunde zurück
told-back-of = { $back } von { $all }
told-last = Dein alter Pod erfährt es zuletzt, wenn die anderen Pods den Umzug verarbeitet haben: spätestens am { $time }.
told-processing = Der Pod hat den Umzug erhalten und verarbeitet ihn. Das Weitere folgt, sobald Freunde dort zurück sind, oder am { $time }.
told-elsewhere = Freunde, die selbst etwas tun müssen
told-hubzilla = Freunde auf Hubzilla: die neue Verbindungsanfrage annehmen und nicht löschen. Wer nichts hört, öffnet die Verbindung und speichert sie einmal.
told-friendica = Freunde auf Friendica: die neue Anfrage als gegenseitige Freundschaft annehmen. Beiträge vorher gehen verloren.
told-socialhome = Freunde auf Socialhome: der neuen Adresse von Hand folgen.
told-arrived = Angekommen
told-waiting = Unterwegs
told-failed = Nicht angenommen
told-over = Alles ist verschickt.
told-goes-on = Pods, die nicht antworten, werden vier Wochen lang wieder versucht. Du musst nichts tun.
told-by-hand = Von dir zu benachrichtigen
told-by-hand-text = Diese waren nicht zu erreichen. Schreib ihnen, wenn du kannst.
told-by-hand-more = Es sind noch mehr. Der Podmin kann dir die ganze Liste geben.
told-everybody = alle, die dich auf { $pod } kennen
told-pods = Pod für Pod
told-pod = Pod
told-retry = Wieder versucht am { $time }.
told-more = Weitere Pods
told-back = Zurück
queue-waiting = Warten auf deine Zustimmung
queue-nobody = Niemand.
queue-about = Angefangen am { $time }, { $size } hochgeladen.
queue-proven = Das Archiv gehört nachweislich der Person.
queue-unproven = Nichts beweist, dass dieses Archiv der Person gehört. Stimm nur zu, wenn du weißt, wer es ist: Bitte sie, dir vom alten Konto oder von einer Adresse zu schreiben, die du kennst.
queue-key-lost = Der Schlüssel im Archiv ist mit einer Passphrase geschützt, und die Person sagt, sie habe sie verloren. Das würde auch sagen, wer die Datei gestohlen hat. Stimm nur zu, wenn du weißt, wer es ist: Lass dir vom alten Konto schreiben, oder von einer Adresse, die du kennst.
queue-yes = Zustimmen
queue-no = Ablehnen
queue-announce = Es allen diesen Pods sagen
queue-stop = Stoppen
queue-stop-sure = Die Arbeit an diesem Archiv stoppen?
queue-stop-check = Die Prüfung hört auf, und das Archiv wird abgelehnt. Die Person kann ein anderes hochladen.
queue-stop-import = Der Import hört auf, was importiert ist, wird entfernt, und der Umzug wird abgelehnt. Was hochgeladen war, wird gelöscht.
queue-others = Alle anderen
invitations-title = Einladungen
invitations-note = Für wen (eine Notiz für dich)
invitations-uses = Wie viele damit kommen dürfen
invitations-make = Einladung erstellen
invitations-made = Eine Einladung
invitations-once = Kopier diesen Code jetzt: Er wird nur dieses eine Mal gezeigt.
invitations-send = Schick ihn der Person, zusammen mit der Adresse, auf der man ihn eingibt: { $page }
invitations-about = für noch { $count }, bis { $day }, von { $by }
invitations-withdraw = Zurückziehen
newcomers-closed-title = Dieser Pod nimmt zurzeit niemanden auf
newcomers-waiting-still = Der Podmin hat noch nicht entschieden. Diese Seite aktualisiert sich von selbst.
newcomers-waiting-ahead = { $count ->
    [one] Der Podmin hat noch nicht entschieden. Eine Person hat vor dir gefragt. Diese Seite aktualisiert sich von selbst.
   *[other] Der Podmin hat noch nicht entschieden. { $shown } Personen haben vor dir gefragt. Diese Seite aktualisiert sich von selbst.
 }
newcomers-waiting-mail = Du kannst diese Seite schließen: Wir schreiben dir eine E-Mail, wenn der Podmin entschieden hat.
newcomers-restart = Von vorn anfangen
newcomers-here-archive = Archiv: { $here } von { $all } sind hochgeladen. Wähle dieselbe Datei noch einmal, dann geht es dort weiter.
newcomers-here-photos = Fotos: { $here } von { $all } sind hochgeladen. Wähle dieselbe Datei noch einmal, dann geht es dort weiter.
newcomers-here-without-script = Ohne JavaScript schickt dein Browser die ganze Datei noch einmal.
newcomers-end-uploads = Angefangene Uploads löschen
newcomers-end-uploads-sure = Angefangene Uploads löschen?
newcomers-end-uploads-yes = Löschen
newcomers-deletes = { $count ->
    [one] Damit wird 1 Upload gelöscht ({ $size }).
   *[other] Damit werden { $count } Uploads gelöscht ({ $size }).
 }
newcomers-leave-sure = Den Umzug beenden und alles löschen?
newcomers-leave-text = Das Archiv auf deinem eigenen Rechner bleibt, wie es ist. Du kannst jederzeit damit wiederkommen.
newcomers-leave-yes = Alles löschen
newcomers-undo-sure = Den Umzug rückgängig machen?
newcomers-undo-numbers = { $count ->
    [one] Damit werden das Konto { $account } und der eine Eintrag, der mitgekommen ist, von diesem Pod gelöscht.
   *[other] Damit werden das Konto { $account } und die { $shown } Einträge, die mitgekommen sind, von diesem Pod gelöscht.
 }
newcomers-undo-yes = Umzug rückgängig machen
newcomers-left-minutes = noch etwa {"{n}"} min
newcomers-left-seconds = noch etwa {"{n}"} s
newcomers-upload-cancel = Abbrechen
newcomers-upload-cancelled = Upload abgebrochen. Was hochgeladen war, ist gelöscht.
newcomers-email-help = An diese Adresse gehen E-Mails zu deinem Umzug und später von diesem Pod.
newcomers-password-easy = Dieses Passwort ist zu verbreitet und leicht zu erraten. Nimm ein längeres, zum Beispiel mehrere Wörter.
newcomers-no-contacts = { $count ->
    [one] Dein Archiv ist gültig, aber dein einziger Kontakt kann nicht mitkommen.
   *[other] Dein Archiv ist gültig, aber keiner deiner { $shown } Kontakte kann mitkommen.
 }
newcomers-no-contacts-why = { $count ->
    [one] Er wird { $why }.
   *[other] Die meisten werden { $why }.
 }
newcomers-problem-being-undone = Ein früherer Umzug dieses Kontos wird gerade rückgängig gemacht. Versuch es bitte in ein paar Minuten noch einmal.
newcomers-problem-no-archive = Diese Datei ist kein Archiv eines Kontos. Wähle die Datei, die du von deinem alten Pod heruntergeladen hast, so wie du sie bekommen hast.
newcomers-problem-encrypted = Dieses Archiv ist verschlüsselt, und keine Passphrase, die du eingegeben hast, öffnet es. Lade es mit seiner Passphrase noch einmal hoch: Das Feld ist unter der Datei.
newcomers-problem-two-accounts = Die Dateien gehören zu verschiedenen Konten. Lade nur Dateien eines Kontos hoch.
newcomers-problem-two-documents = In der ZIP-Datei sind zwei Archive. Lade nur das neuere hoch.
newcomers-problem-defect = Bei uns ist etwas schiefgegangen. Sag es bitte dem Podmin, und versuch es noch einmal.
newcomers-problem-signature = Die Unterschriften in diesem Archiv passen nicht zum Inhalt: Es wurde verändert oder beschädigt. Lade es bei deinem alten Pod noch einmal herunter.
newcomers-problem-damaged = Diese Datei ist beschädigt oder unvollständig. Lade sie bei deinem alten Pod noch einmal herunter, und lade sie hier so hoch, wie sie ist.
mail-waiting-subject = { $old } möchte auf deinen Pod umziehen
mail-waiting-body = Hallo,

    { $old } möchte als { $new } nach { $pod } umziehen und wartet auf deine Entscheidung.

    { $proof }
    Größe des Archivs: { $size }

    Hier kannst du zustimmen oder ablehnen:

    { $link }
mail-waiting-proven = Das Archiv gehört nachweislich der Person.
mail-waiting-unproven = Nichts beweist, dass das Archiv der Person gehört. Stimm nur zu, wenn du weißt, wer es ist.
mail-approved-subject = Dein Umzug nach { $pod } ist genehmigt
mail-approved-body = Hallo,

    der Podmin von { $pod } hat deinem Umzug zugestimmt. Dein Konto { $old } zieht jetzt nach { $new } um.
    { $minutes ->
        [0] Die Pods deiner Freunde erfahren es sofort.
        [one] Eine Minute später erfahren es die Pods deiner Freunde. Bis dahin kannst du den Umzug auf dieser Seite rückgängig machen:
       *[other] { $minutes } Minuten später erfahren es die Pods deiner Freunde. Bis dahin kannst du den Umzug auf dieser Seite rückgängig machen:
    }

    { $page }

    Wir schreiben wieder, wenn er fertig ist.
mail-declined-subject = Dein Umzug nach { $pod } wurde abgelehnt
mail-declined-body = Hallo,

    der Podmin von { $pod } hat deinen Umzug abgelehnt. Dein Konto { $old } ist nicht umgezogen, und was du hochgeladen hattest, ist gelöscht. Dein Archiv ist so gut wie vorher: Du kannst es zu einem anderen Pod bringen.

    Mehr dazu steht auf dieser Seite:

    { $page }
mail-done-subject = Willkommen auf { $pod }
mail-done-body = Hallo,

    dein Konto ist umgezogen: Du bist jetzt { $new }. Melde dich mit dem Passwort an, das du gewählt hast:

    { $link }

    Die Pods deiner Kontakte erfahren es gerade. Die meisten Kontakte folgen von selbst; diese Seite zeigt, wer zurück ist:

    { $page }
mail-undone-subject = Dein Umzug nach { $pod } ist rückgängig gemacht
mail-undone-body = Hallo,

    dein Umzug wurde rückgängig gemacht: Alles, was nach { $pod } gekommen war, ist gelöscht, und niemand hat davon erfahren. Du kannst mit demselben Archiv von vorn anfangen:

    { $page }
mail-stopped-subject = Dein Umzug nach { $pod } braucht dich
mail-stopped-body = Hallo,

    dein Umzug von { $old } nach { $pod } geht nicht von selbst weiter. Diese Seite sagt, warum, und was du tun kannst:

    { $page }
queue-no-sure = Diesen Umzug ablehnen?
queue-no-numbers = Was { $account } hochgeladen hat ({ $size }), wird gelöscht. Um doch zu kommen, muss die Person von vorn anfangen.
queue-no-mail = Die Person bekommt eine E-Mail darüber.
queue-no-contacts = { $count ->
    [one] Der einzige Kontakt in diesem Archiv kann nicht mitkommen.
   *[other] Keiner der { $shown } Kontakte in diesem Archiv kann mitkommen.
 }
queue-problem-no-space = Für die Fotos ist kein Platz.
queue-problem-damaged = Die Datei ist beschädigt oder unvollständig.
queue-problem-signature = Die Unterschriften passen nicht zum Inhalt.
queue-problem-no-archive = Die Datei ist kein Archiv eines Kontos.
queue-problem-encrypted = Das Archiv ist verschlüsselt und ließ sich nicht öffnen.
queue-problem-wrong-key = Der Schlüssel im Archiv ist nicht der, den andere Pods kennen.
queue-problem-unreadable-key = Der Schlüssel, den dieser Pod zu dem Konto gespeichert hat, lässt sich nicht lesen. Berichtige ihn in people.serialized_public_key; ein leerer Schlüssel gilt als unbekannt.
queue-problem-moved = Das Konto ist schon einmal auf einen anderen Pod umgezogen.
queue-problem-before = Das Konto ist schon einmal auf diesen Pod importiert worden.
queue-problem-blocked = Du hast diesen Pod gesperrt.
queue-problem-away = Etwas, das der Dienst braucht, hat lange nicht geantwortet.
queue-problem-defect = Ein Fehler in Pappus: bitte melde ihn.
queue-problem-no-key = Im Archiv ist kein brauchbarer Schlüssel: Niemand erfährt von dem Umzug.
queue-problem-too-heavy = Das Archiv ließ sich mehrmals nicht verarbeiten: Es braucht mehr Speicher oder Zeit, als newcomers.step_megabytes, step_processor_minutes und step_minutes zulassen.
queue-problem-stopped = Ein Podmin hat die Arbeit an dem Archiv gestoppt.
queue-problem-many-pods = Die Kontakte sind auf sehr vielen Pods: Niemand erfährt von dem Umzug, bevor du zustimmst.
queue-problem-key-locked = Der Schlüssel hat eine Passphrase, die die Person verloren hat: Niemand erfährt von dem Umzug.
queue-problem-passphrase = Die Passphrase öffnet den Schlüssel nicht.
invitations-withdraw-sure = Diese Einladung zurückziehen?
invitations-withdraw-numbers = { $count ->
    [one] Eine Person könnte damit noch kommen ({ $note }). Der Code gilt dann nicht mehr.
   *[other] { $count } Personen könnten damit noch kommen ({ $note }). Der Code gilt dann nicht mehr.
 }
told-why-dns = Einen Server mit diesem Namen gibt es nicht mehr.
told-why-certificate = Das Zertifikat des Pods ist nicht gültig.
told-why-timeout = Der Pod hat nicht rechtzeitig geantwortet.
told-why-unreachable = Der Pod ist nicht zu erreichen.
told-why-elsewhere = Der Pod schickt uns woandershin.
told-why-private = Die Adresse des Pods liegt nicht im öffentlichen Internet.
told-why-no-account = Der Pod sagt, dass es dieses Konto nicht gibt.
told-why-address = Die Adresse des Pods stimmt nicht.
told-why-own-pod = Das neue Konto antwortet von außen noch nicht. Für den Podmin steht es im Protokoll.
told-why-status = Der Pod hat mit einem Fehler geantwortet ({ $status }).
newcomers-needs-no-photos = { $minutes ->
    [one] Es dauert etwa eine Minute.
   *[other] Es dauert etwa { $minutes } Minuten.
 }
queue-problem-closed = Das Konto ist hier nach dem Import geschlossen worden.
queue-problem-own-pod = Das Archiv gehört zu einem Konto auf genau diesem Pod.
queue-problem-being-undone = Ein früherer Umzug dieses Kontos wird gerade rückgängig gemacht.
queue-problem-two-accounts = Die Dateien gehören zu verschiedenen Konten.
queue-problem-changed = Die Dateien sind nicht die, die geprüft wurden: Mach den Umzug rückgängig und lass die Person neu anfangen.
queue-problem-other = Etwas stimmt damit nicht; die Einzelheiten sagen mehr.
queue-problem-name-taken = Jemand auf diesem Pod hat oder hatte den gewählten Namen.
queue-problem-name-known-elsewhere = Andere Pods kennen den gewählten Namen vielleicht noch mit einem anderen Schlüssel.
queue-problem-email-wrong = Die gewählte E-Mail-Adresse lässt sich nicht verwenden.
queue-kind-own-comments = Eigene Kommentare
queue-kind-own-likes = Eigene Gefällt-mir-Angaben
queue-kind-own-poll-participations = Eigene Stimmen in Umfragen
queue-kind-commented-posts = Kommentierte Beiträge von anderen
queue-finding-parent-not-visible = weggelassen: Das Konto darf den Beitrag nicht sehen, zu dem es gehört
queue-finding-parent-not-own = weggelassen: Es steht unter einem Beitrag, der nicht vom Konto ist
queue-finding-own-person = weggelassen: Es ist das Konto selbst
queue-finding-unproven = auf dein Wort hin angenommen: Nichts beweist, dass das Archiv zu diesem Konto gehört
queue-state-uploading = wird hochgeladen
queue-state-checking = wird geprüft
queue-state-refused = nicht angenommen
queue-state-checked = geprüft, noch kein Name gewählt
queue-state-waiting = wartet auf Zustimmung
queue-state-declined = abgelehnt
queue-state-importing = wird importiert
queue-state-failed = fehlgeschlagen
queue-state-imported = importiert, noch nicht angekündigt
queue-state-announcing = wird angekündigt
queue-state-announced = umgezogen
queue-state-undoing = wird rückgängig gemacht
queue-state-undone = rückgängig gemacht
queue-state-expired = abgelaufen
queue-key-archive = Schlüssel des Kontos im Archiv
queue-key-known = Schlüssel, mit dem dieser Pod { $account } kennt
queue-key-published = Schlüssel, den { $host } veröffentlicht
queue-key-signed = Schlüssel des Pods, der das Archiv unterschrieben hat
queue-key-pinned = Schlüssel, dem du für { $host } vertraust
queue-no-key-archive = keiner, der sich lesen lässt
queue-no-key-known = keiner: Dieser Pod kennt das Konto noch nicht
queue-no-key-published = keiner: { $host } antwortet nicht oder wurde nicht gefragt
queue-no-key-signed = keiner: Ein Standard-Pod hat es geschrieben
queue-no-key-pinned = keiner
queue-advice-compare = Bitte die Person auf einem Weg, auf dem du sie kennst, dir den Fingerabdruck ihres Schlüssels vorzulesen: Er steht auf ihrem alten Pod unter „Mein Archiv“ und „Inhalt“, und „pappus verify“ gibt ihn aus. Stimm nur zu, wenn es Zeichen für Zeichen der erste ist.
queue-advice-no-key = Es gibt keinen Schlüssel zu vergleichen. Stimm nur zu, wenn du die Person auf andere Weise kennst; vom Umzug kann niemand erfahren.
queue-advice-known-differs = Dieser Pod kennt das Konto mit einem anderen Schlüssel, deshalb wird das Archiv nicht angenommen: Vielleicht hat es jemand anderes gemacht, oder die Adresse gehört jetzt jemand anderem. Frag die Person, welcher von beiden ihrer ist. Ist es der bekannte, braucht sie ein Archiv mit diesem Schlüssel. Ist es der im Archiv, würden auch die Pods ihrer Freunde den Umzug ablehnen: Dann bleibt nur ein neues Konto.
queue-advice-published-differs = Der alte Pod veröffentlicht einen anderen Schlüssel, deshalb geht der Umzug nicht weiter: Vielleicht hat jemand anderes das Archiv gemacht, oder die Adresse des alten Pods gehört jetzt jemand anderem. Frag die Person und den Podmin von { $host }, welcher von beiden stimmt. Ist es der veröffentlichte, braucht die Person ein neues Archiv. Hat die Adresse einen neuen Besitzer, sperre { $host } mit newcomers.blocked_pods, oder frag mit newcomers.ask_pods keine anderen Pods mehr.
queue-advice-pin-differs = Das Archiv ist mit einem anderen Schlüssel unterschrieben als dem, dem du für { $host } vertraust. Frag den dortigen Podmin nach dem Fingerabdruck. Stimmt der erste, vertrau ihm und entferne den anderen unter „Vertrauenswürdige Pods“ oder, wenn er dort steht, aus newcomers.trusted_pods; sonst lehne ab.
board-trusted-pods = Vertrauenswürdige Pods
trusted-pods-lead = Ein Archiv, das einer dieser Pods mit seinem Archivschlüssel unterschrieben hat, braucht keinen anderen Beweis, und was darin über die Unterhaltungen und Kontakte des Kontos steht, zählt. Das gilt nur für Leute dieses Pods.
trusted-pods-add = Einem Pod vertrauen
trusted-pods-compare = Lass dir vorher vom Podmin dieses Pods den Fingerabdruck vorlesen, auf einem Weg, auf dem du ihn kennst. Ein Archiv allein ist kein Grund: Den Namen eines Pods kann jeder hineinschreiben.
trusted-pods-host = Host des Pods
trusted-pods-host-help = Der Teil nach dem @ in den diaspora*-IDs seiner Leute, zum Beispiel closing.example. Du kannst auch beides auf einmal einfügen: closing.example=SHA256:…
trusted-pods-host-wrong = Das ist kein Host, wie er in diaspora*-IDs steht. Schreib ihn so: closing.example.
trusted-pods-fingerprint = Fingerabdruck seines Archivschlüssels
trusted-pods-fingerprint-help = „pappus verify“ gibt ihn für ein Archiv dieses Pods aus.
trusted-pods-fingerprint-wrong = Das ist nicht der Fingerabdruck eines Archivschlüssels. Gib SHA256: ein und dahinter 64 Zeichen von 0 bis 9 und a bis f.
trusted-pods-known = Diesem Schlüssel dieses Pods vertraust du schon.
trusted-pods-trust = Diesem Schlüssel vertrauen
trusted-pods-added = Auf dieser Seite hinzugefügt
trusted-pods-none = Keine.
trusted-pods-about = Hinzugefügt am { $time } von { $by }.
trusted-pods-remove = Entfernen
trusted-pods-remove-one = Den Schlüssel von { $host } entfernen
trusted-pods-remove-sure = Diesen Schlüssel entfernen?
trusted-pods-remove-text = Der Schlüssel { $fingerprint } beweist dann keine Archive von Leuten von { $host } mehr.
trusted-pods-remove-numbers = { $count ->
    [0] Kein laufender Umzug hängt davon ab.
    [one] Ein laufender Umzug hängt davon ab. Er geht ohne einen anderen Beweis oder deine Zustimmung nicht weiter.
   *[other] { $count } laufende Umzüge hängen davon ab. Sie gehen ohne einen anderen Beweis oder deine Zustimmung nicht weiter.
 }
trusted-pods-configured = In der Konfigurationsdatei
trusted-pods-configured-text = Diese Schlüssel stehen in newcomers.trusted_pods. Sie lassen sich nur dort ändern; danach muss der Dienst neu gestartet werden.
queue-trust-pod = Den Schlüssel des Pods, der dieses Archiv unterschrieben hat, vergleichen und ihm für alle Leute von { $host } vertrauen
