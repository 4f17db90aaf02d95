; SPDX-License-Identifier: Apache-2.0
; The installer for Windows (Inno Setup 6): iscc /DVersion=0.1.0 packaging\windows\longhand.iss
; Installs for the user who runs it, without administrator rights, unless they ask for all users.

#ifndef Version
  #error Give the version: iscc /DVersion=0.1.0
#endif
#define Root "..\.."

[Setup]
AppId={{6B6F0C0E-7C0B-4F3B-9F0A-5D1F7B0E2A61}
AppName=Longhand
AppVersion={#Version}
AppPublisher=The Longhand authors
DefaultDirName={autopf}\Longhand
DefaultGroupName=Longhand
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile={#Root}\LICENSE
SetupIconFile={#Root}\build\icons\longhand.ico
UninstallDisplayIcon={app}\longhandw.exe
OutputDir={#Root}\build\windows
OutputBaseFilename=longhand-{#Version}-x64
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern
ChangesAssociations=yes
ChangesEnvironment=yes
CloseApplications=yes

[Tasks]
Name: desktopicon; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked
Name: path; Description: "Add the longhand command to the search path"; Flags: unchecked

[Files]
Source: "{#Root}\build\windows\bundle\longhand\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion
Source: "{#Root}\build\windows\licences\*"; DestDir: "{app}\licences"; Flags: recursesubdirs ignoreversion
Source: "{#Root}\LICENSE"; DestDir: "{app}"; Flags: ignoreversion

[InstallDelete]
; What a version before had and this one has not.
Type: filesandordirs; Name: "{app}\_internal"

[Icons]
Name: "{group}\Longhand"; Filename: "{app}\longhandw.exe"
Name: "{autodesktop}\Longhand"; Filename: "{app}\longhandw.exe"; Tasks: desktopicon

[Registry]
Root: HKA; Subkey: "Software\Classes\.longhand"; ValueType: string; ValueData: "Longhand.Project"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\Longhand.Project"; ValueType: string; ValueData: "Longhand project"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Longhand.Project\DefaultIcon"; ValueType: string; ValueData: "{app}\longhandw.exe,0"
Root: HKA; Subkey: "Software\Classes\Longhand.Project\shell\open\command"; ValueType: string; ValueData: """{app}\longhandw.exe"" gui ""%1"""
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Tasks: path; Check: not OnPath

[Run]
Filename: "{app}\longhandw.exe"; Description: "{cm:LaunchProgram,Longhand}"; Flags: nowait postinstall skipifsilent

[Code]
function OnPath: Boolean;
var
  Path: String;
begin
  if not RegQueryStringValue(HKCU, 'Environment', 'Path', Path) then
    Path := '';
  Result := Pos(';' + Uppercase(ExpandConstant('{app}')) + ';', ';' + Uppercase(Path) + ';') > 0;
end;

procedure CurUninstallStepChanged(Step: TUninstallStep);
var
  Path, Folder: String;
begin
  if (Step = usPostUninstall) and RegQueryStringValue(HKCU, 'Environment', 'Path', Path) then
  begin
    Folder := ';' + ExpandConstant('{app}');
    if StringChangeEx(Path, Folder, '', True) > 0 then
      RegWriteExpandStringValue(HKCU, 'Environment', 'Path', Path);
  end;
end;
